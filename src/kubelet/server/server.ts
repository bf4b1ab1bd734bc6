import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

import type { Runtime } from "#kubelet/cri/runtime.ts";
import type { Tasks } from "#kubelet/cri/tasks.ts";
import { outliveAcceptErrors } from "#lib/accept-errors.ts";
import { type Clock, sleep } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";

import { forbiddenText, identityOf, mayUse } from "./client-identity.ts";
import { HttpError, type PodLookup } from "./pod-lookup.ts";
import { serveRequest, serveUpgrade } from "./routes.ts";
import { FifoMaker } from "./streaming/fifos.ts";

export interface KubeletServerConfig {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** PEM files: what this server shows, and who signs those that may use it. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string;
  /** A folder for run-time files, such as `/run/skiff/kubelet`. */
  readonly runDir: string;
}

export interface KubeletServerDeps {
  readonly pods: PodLookup;
  readonly runtime: Runtime;
  /** Closed by `stop()`. */
  readonly tasks: Tasks;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
}

/** PEM: what the server shows, and who signs those that may use it. */
export interface KubeletServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface KubeletServer {
  readonly port: number;
  /** For connections from now on. @throws when key and certificate do not fit */
  useTls(tls: KubeletServerTls): void;
  /** Closes the listener and every connection; processes that run for a client are killed. */
  stop(): Promise<void>;
}

const MIN_TLS = "TLSv1.2";
const IDLE_TIMEOUT_MS = 90_000;
/** A client whose machine is gone is noticed by this. */
const KEEP_ALIVE_MS = 30_000;
/** Go's. What is to be executed stands in the path. */
const MAX_HEADER_BYTES = 1 << 20;
/** How long ended connections may take to be cleaned up after. */
const STOP_TIMEOUT_MS = 3000;

/** Starts the node's HTTPS API. Only certificates of the cluster's authority for `system:masters` are let in. */
export async function startKubeletServer(config: KubeletServerConfig, deps: KubeletServerDeps): Promise<KubeletServer> {
  const [cert, key, ca] = await Promise.all([config.certFile, config.keyFile, config.clientCaFile].map((file) => readFile(file)));
  const fifos = new FifoMaker(join(config.runDir, "exec"), deps.clock);
  await fifos.open();
  const routes = { ...deps, fifos };
  // Refused after the handshake, so that the client learns why.
  const tls = { cert, key, ca, requestCert: true, rejectUnauthorized: false, minVersion: MIN_TLS, ALPNProtocols: ["http/1.1"] } as const;
  const server = createServer({ ...tls, maxHeaderSize: MAX_HEADER_BYTES });
  server.requestTimeout = 0; // logs are followed for days
  server.keepAliveTimeout = IDLE_TIMEOUT_MS;
  const sockets = new Set<Duplex>();
  const running = new Set<Promise<void>>();
  const track = (work: Promise<void>) => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };
  server.on("secureConnection", (socket: TLSSocket) => {
    sockets.add(socket);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("request", (request, response) => track(answer(request, response)));
  server.on("upgrade", (request, socket, head) => track(answerUpgrade(request, socket, head)));
  server.listen({ host: config.host, port: config.port });
  await once(server, "listening");
  outliveAcceptErrors(server, deps.clock, (error, count) => deps.log.error("connections could not be taken", { error, count }));
  const { port } = server.address() as AddressInfo;
  deps.log.info("kubelet API listens", { host: config.host, port });
  return { port, useTls: (tls) => server.setSecureContext({ ...tls, minVersion: MIN_TLS }), stop };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      refuseStrangers(request);
      await serveRequest(request, response, routes);
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      const { code, message } = asHttpError(error, request);
      response.writeHead(code, { "content-type": "text/plain; charset=utf-8" }).end(message);
    }
  }

  async function answerUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    (socket as TLSSocket).setNoDelay?.(true);
    try {
      refuseStrangers(request);
      await serveUpgrade({ request, socket, head }, routes);
    } catch (error) {
      const { code, message } = asHttpError(error, request);
      const body = Buffer.from(message);
      const headers = `content-type: text/plain; charset=utf-8\r\ncontent-length: ${body.length}\r\nconnection: close`;
      if (socket.writable && !(socket as TLSSocket).bytesWritten) socket.write(`HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\n${headers}\r\n\r\n`);
      socket.end(body);
    }
  }

  function asHttpError(error: unknown, { url }: IncomingMessage): HttpError {
    if (error instanceof HttpError) return error;
    deps.log.warn("kubelet API request failed", { url, error });
    return new HttpError(500, (error as Error).message);
  }

  async function stop(): Promise<void> {
    server.close();
    for (const socket of sockets) socket.destroy();
    const waiting = new AbortController();
    await Promise.race([Promise.allSettled(running), sleep(deps.clock, STOP_TIMEOUT_MS, waiting.signal).catch(() => {})]);
    waiting.abort();
    deps.tasks.close();
    await fifos.close();
  }
}

function refuseStrangers(request: IncomingMessage): void {
  const identity = identityOf(request.socket as TLSSocket);
  if (identity === undefined) throw new HttpError(401, "Unauthorized");
  if (!mayUse(identity)) throw new HttpError(403, forbiddenText(identity, request.method ?? "GET", (request.url ?? "/").split("?")[0]!));
}
