import { Agent, request as httpsRequest } from "node:https";
import type { ClientRequest, RequestOptions } from "node:http";

import { NODES } from "#api/builtin.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

/** PEM: who the API server is towards kubelets, and who signed theirs. */
export interface KubeletTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca: string | Buffer;
}

export interface KubeletAddress {
  readonly host: string;
  readonly port: number;
}

const KUBELET_PORT = 10250;
const ADDRESS_TYPES = ["InternalIP", "ExternalIP", "Hostname"];
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_IDLE_CONNECTIONS = 4;

/** Requests to the kubelets of nodes, by the nodes' addresses. */
export class KubeletDialer {
  readonly #reader: ObjectReader;
  readonly #tls: () => KubeletTls;
  readonly #agent: Agent;

  /** @param tls asked for each connection, as certificates are renewed */
  constructor(reader: ObjectReader, tls: () => KubeletTls) {
    this.#reader = reader;
    this.#tls = tls;
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE_CONNECTIONS, scheduling: "lifo" });
  }

  /**
   * @param asked the resource whose absence is told when the node is not there
   * @throws {StatusError} 404
   */
  address(nodeName: string, asked: "pods" | "nodes"): KubeletAddress {
    const node = this.#reader.lookup(NODES, "", nodeName);
    if (node === undefined) throw statusError.notFound({ group: "", resource: asked }, nodeName);
    const addresses = node.status?.addresses ?? [];
    const host = ADDRESS_TYPES.map((wanted) => addresses.find(({ type }) => type === wanted)?.address).find((address) => address);
    if (host === undefined) throw statusError.internal(`no preferred addresses found; known addresses: []`);
    return { host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || KUBELET_PORT };
  }

  /** @param options method, path and headers; upgrades get a connection of their own */
  request({ host, port }: KubeletAddress, options: RequestOptions, { upgrade = false } = {}): ClientRequest {
    const { cert, key, ca } = this.#tls();
    const request = httpsRequest({ ...options, host, port, cert, key, ca, agent: upgrade ? false : this.#agent });
    request.on("error", () => {}); // who waits for the answer hears of it; one that nobody waits for any more ends no server
    request.once("socket", (socket) => {
      if (!socket.connecting) return;
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error("i/o timeout")));
      socket.once("secureConnect", () => socket.setTimeout(0));
    });
    return request;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** A failed connection in the words of upstream's dialer. */
export function dialError(error: unknown, { host, port }: KubeletAddress): Error {
  const { code, message } = error as { code?: string; message: string };
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connect: connection refused",
    EHOSTUNREACH: "connect: no route to host",
    ENETUNREACH: "connect: network is unreachable",
    ETIMEDOUT: "i/o timeout",
    ECONNRESET: "connection reset by peer",
  };
  return new Error(`dial tcp ${host}:${port}: ${words[code ?? ""] ?? message}`, { cause: error });
}
