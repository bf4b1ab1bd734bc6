import type { ClientRequest, RequestOptions } from "node:http";
import { Agent, request as httpsRequest } from "node:https";

import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { serviceHost } from "#apiserver/admission/webhooks/hook-address.ts";
import { connectionWords } from "#apiserver/admission/webhooks/hook-errors.ts";
import type { RemoteService } from "#apiserver/aggregation/api-services.ts";

/** PEM: what an extension server knows us by. */
export interface ProxyTls {
  readonly cert: string;
  readonly key: string;
}

/** Where a service's requests go. */
export interface Location {
  readonly host: string;
  readonly port: number;
  /** `10.43.0.9:443` */
  readonly authority: string;
}

interface Connection {
  readonly key: string;
  readonly agent: Agent;
}

const DEFAULT_PORT = 443;
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_IDLE_CONNECTIONS = 8;

export const portOf = ({ spec }: RemoteService): number => spec.service.port ?? DEFAULT_PORT;

/** The path below which an extension server has its resources. */
export const pathOf = ({ spec }: RemoteService): string => `/apis/${spec.group}/${spec.version}`;

/** HTTPS to extension servers: each must show a certificate for its service's name, and is shown the front proxy's. */
export class RemoteDialer {
  readonly #reader: ObjectReader;
  readonly #tls: () => ProxyTls | undefined;
  readonly #connections = new Map<string, Connection>();
  readonly #insecure = new Agent({ rejectUnauthorized: false });

  /** @param tls asked for each request, as certificates are renewed */
  constructor(reader: ObjectReader, tls: () => ProxyTls | undefined) {
    this.#reader = reader;
    this.#tls = tls;
  }

  /** @throws {Error} in upstream's words when the service is not there or cannot be reached by an address of its own */
  locate(service: RemoteService): Location {
    const { namespace = "", name = "" } = service.spec.service;
    const port = portOf(service);
    const host = serviceHost(this.#reader, namespace, name, port);
    return { host, port, authority: `${host.includes(":") ? `[${host}]` : host}:${port}` };
  }

  /** @throws {Error} for a bundle of authorities that is none */
  request(service: RemoteService, { host, port }: Location, options: RequestOptions, { upgrade = false } = {}): ClientRequest {
    const connection = this.#connection(service);
    const own = upgrade ? { ...connection.agent.options, agent: false as const } : { agent: connection.agent };
    return withConnectTimeout(httpsRequest({ ...options, host, port, ...own, servername: serverName(service) }));
  }

  /** Whatever it shows: who owns the network may say of a service that it is well, and no more. */
  requestUnverified({ host, port }: Location, options: RequestOptions): ClientRequest {
    return withConnectTimeout(httpsRequest({ ...options, ...this.#tls(), host, port, agent: this.#insecure }));
  }

  /** Of a service that is gone. */
  forget(name: string): void {
    this.#connections.get(name)?.agent.destroy();
    this.#connections.delete(name);
  }

  close(): void {
    for (const name of this.#connections.keys()) this.forget(name);
    this.#insecure.destroy();
  }

  #connection({ metadata, spec }: RemoteService): Connection {
    const { caBundle = "", insecureSkipTLSVerify = false } = spec;
    const tls = this.#tls();
    const key = JSON.stringify([spec.service, caBundle, insecureSkipTLSVerify, tls?.cert]);
    const known = this.#connections.get(metadata.name);
    if (known?.key === key) return known;
    this.forget(metadata.name);
    const ca = caBundle === "" ? undefined : Buffer.from(caBundle, "base64");
    if (ca !== undefined && !ca.includes("-----BEGIN CERTIFICATE-----")) {
      throw new Error("unable to load root certificates: unable to parse bytes as PEM block");
    }
    const agent = new Agent({
      keepAlive: true,
      maxFreeSockets: MAX_IDLE_CONNECTIONS,
      scheduling: "lifo",
      rejectUnauthorized: !insecureSkipTLSVerify,
      ...(ca && { ca }),
      ...tls,
    });
    const made = { key, agent };
    this.#connections.set(metadata.name, made);
    return made;
  }
}

const serverName = ({ spec }: RemoteService): string => `${spec.service.name}.${spec.service.namespace}.svc`;

/** Whoever waits for the answer hears of errors; one that nobody waits for any more ends no server. */
function withConnectTimeout(request: ClientRequest): ClientRequest {
  request.on("error", () => {});
  return request.once("socket", (socket) => {
    if (!socket.connecting) return;
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error("i/o timeout")));
    socket.once("secureConnect", () => socket.setTimeout(0));
  });
}

/** A failed connection in upstream's words. */
export function dialWords(error: unknown, service: RemoteService): string {
  return connectionWords(error as Error, { serverName: serverName(service), port: portOf(service) });
}
