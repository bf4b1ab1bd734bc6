import { createSecureServer } from "node:http2";
import type { Http2SecureServer, ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

import { StatusError, statusError } from "#apimachinery/status-error.ts";
import type { Authenticator } from "#apiserver/authn/authenticator.ts";
import { impersonated } from "#apiserver/authn/impersonation.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { forbidden } from "#apiserver/authz/forbidden.ts";
import { Deadlines } from "#apiserver/http/deadlines.ts";
import type { Exchange, Incoming, Outgoing } from "#apiserver/http/exchange.ts";
import { parseApiPath } from "#apiserver/http/path.ts";
import type { PlainHandler } from "#apiserver/http/plain.ts";
import type { ResourceHandler } from "#apiserver/http/resource-handler.ts";
import { isPretty, negotiate } from "#apiserver/http/negotiation.ts";
import type { Accepted } from "#apiserver/http/negotiation.ts";
import { parseQuery } from "#apiserver/http/query.ts";
import { sendBytes, sendError } from "#apiserver/http/respond.ts";
import { methodNotAllowed } from "#apiserver/registry/resource-api.ts";
import { ANONYMOUS } from "#apiserver/user.ts";
import { sleep, type Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface HttpServerOptions {
  readonly tls: HttpTls;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly resources: ResourceHandler;
  /** Asked in order for paths that name no resource. */
  readonly plain: readonly PlainHandler[];
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface HttpTls {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** Certificates that sign clients. */
  readonly clientCa: string | Buffer | (string | Buffer)[];
}

const MAX_CONCURRENT_STREAMS = 1000;
/** So long clients have to hear that they are to go elsewhere. */
const GOAWAY_GRACE_MS = 50;
const STREAM_WINDOW_BYTES = 1024 * 1024;

/** HTTPS on one port: HTTP/2, HTTP/1.1 and its upgrades. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Http2SecureServer;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();
  readonly #deadlines: Deadlines;
  #closing = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, (exchange, error) => {
      void this.#fail(exchange, error);
      exchange.abort();
    });
    const { key, cert, clientCa } = options.tls;
    this.#server = createSecureServer({
      allowHTTP1: true,
      key,
      cert,
      ca: clientCa,
      requestCert: true,
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS, initialWindowSize: STREAM_WINDOW_BYTES },
    });
    // Watches last for an hour: no time limit on a request as a whole.
    Object.assign(this.#server, { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 120_000 });
    this.#server.on("request", (request, response) => void this.#serve(request, response as unknown as Outgoing));
    this.#server.on("upgrade", (request: Incoming, socket: Duplex, head: Buffer) => void this.#upgrade(request, socket, head));
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => refuseMalformed(error, socket));
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
      session.on("error", () => {}); // the client went away
    });
    this.#server.on("secureConnection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      socket.on("error", () => {});
    });
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** Resolves to the port. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Stops listening and cuts every connection; HTTP/2 clients are told to go elsewhere first. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#deadlines.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // One whose client has just gone is destroyed before it says "close".
    for (const session of this.#sessions) if (!session.destroyed) session.goaway();
    if (this.#sessions.size > 0) await sleep(this.#options.clock, GOAWAY_GRACE_MS);
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: Incoming, response: Outgoing): Promise<void> {
    const exchange = exchangeOf(request, response);
    this.#deadlines.add(exchange);
    try {
      await this.#answer(exchange);
    } catch (error) {
      await this.#fail(exchange, error);
    } finally {
      this.#deadlines.remove(exchange);
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    await this.#authenticate(exchange);
    const path = parseApiPath(exchange.path);
    if (path.kind === "resource") return this.#options.resources.handle(exchange, path);
    this.#authorizePath(exchange);
    const { request, method, query, user } = exchange;
    for (const handler of this.#options.plain) {
      const found = await handler({ method, path: exchange.path, query, headers: request.headers, user });
      if (found === undefined) continue;
      const { "content-type": type = "text/plain", ...headers } = found.headers;
      return sendBytes(exchange, found.status, type, typeof found.body === "string" ? Buffer.from(found.body) : found.body, headers);
    }
    return sendBytes(exchange, 404, "text/plain; charset=utf-8", Buffer.from("404 page not found\n"), { "x-content-type-options": "nosniff" });
  }

  async #authenticate(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const { authenticator, authorizer } = this.#options;
    const pending = authenticator.authenticate({ socket: tlsSocket(request), authorization: request.headers.authorization });
    const found = pending instanceof Promise ? await pending : pending;
    if (found === "invalid") throw statusError.unauthorized();
    if (found === undefined) {
      const open = authorizer.authorize({ user: ANONYMOUS, verb: exchange.method.toLowerCase(), path: exchange.path }).allowed;
      if (!open || parseApiPath(exchange.path).kind === "resource") throw statusError.unauthorized();
      exchange.user = ANONYMOUS;
    } else {
      exchange.user = impersonated(found, request.headers, request.rawHeaders, authorizer);
    }
  }

  #authorizePath({ user, method, path }: Exchange): void {
    const attributes = { user, verb: method === "HEAD" ? "get" : method.toLowerCase(), path };
    const { allowed, reason } = this.#options.authorizer.authorize(attributes);
    if (!allowed) throw forbidden(attributes, reason);
  }

  async #fail(exchange: Exchange, error: unknown): Promise<void> {
    const { response, path, method } = exchange;
    if (!(error instanceof StatusError)) this.#options.logger.error("a request failed", { method, path, error });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const status = error instanceof StatusError ? error : statusError.internal(error);
    try {
      await sendError(exchange, status, errorFormat(exchange), isPretty(exchange.query, exchange.userAgent));
    } catch (failure) {
      this.#options.logger.warn("an answer could not be sent", { method, path, error: failure });
    }
  }

  async #upgrade(request: Incoming, socket: Duplex, head: Buffer): Promise<void> {
    const exchange = exchangeOf(request, undefined as unknown as Outgoing);
    try {
      await this.#authenticate(exchange);
      const path = parseApiPath(exchange.path);
      if (path.kind !== "resource") throw methodNotAllowed();
      await this.#options.resources.upgrade(exchange, path, { socket, head });
    } catch (error) {
      if (!(error instanceof StatusError)) this.#options.logger.error("an upgrade failed", { path: exchange.path, error });
      const { status, code } = error instanceof StatusError ? error : statusError.internal(error);
      socket.end(rawAnswer(`${code} ${status.reason ?? ""}`, status));
    }
  }
}

/** What is no HTTP/1.1 is answered before any request is made of it; unknown methods end here too. */
function refuseMalformed({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status } = (code === "HPE_INVALID_METHOD" ? methodNotAllowed() : statusError.badRequest("Bad Request")) as StatusError;
  socket.end(rawAnswer(status.code === 405 ? "405 Method Not Allowed" : "400 Bad Request", status));
}

function rawAnswer(line: string, status: object): string {
  const body = `${JSON.stringify(status)}\n`;
  return `HTTP/1.1 ${line}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

const EMPTY_QUERY = new URLSearchParams();

function exchangeOf(request: Incoming, response: Outgoing): Exchange {
  const url = request.url ?? "/";
  const question = url.indexOf("?");
  const aborter = new AbortController();
  response?.once("close", () => {
    if (!response.writableFinished) aborter.abort();
  });
  return {
    request,
    response,
    method: request.method ?? "GET",
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? EMPTY_QUERY : parseQuery(url.slice(question + 1)),
    userAgent: request.headers["user-agent"] ?? "",
    user: ANONYMOUS,
    warnings: [],
    signal: aborter.signal,
    longRunning: false,
    abort: () => aborter.abort(),
  };
}

/** HTTP/2 wraps the connection's socket; what TLS found out is on the real one. */
function tlsSocket(request: Incoming): TLSSocket {
  if ("stream" in request && request.stream.session !== undefined) return sessionSocket(request.stream.session as ServerHttp2Session);
  return request.socket as TLSSocket;
}

const socketsOfSessions = new WeakMap<ServerHttp2Session, TLSSocket>();

/** The session gives a new proxy for its socket with every look, so one is kept to know the connection by. */
function sessionSocket(session: ServerHttp2Session): TLSSocket {
  let socket = socketsOfSessions.get(session);
  if (socket === undefined) {
    socket = session.socket as TLSSocket;
    socketsOfSessions.set(session, socket);
  }
  return socket;
}

/** Errors are told in the format that was asked for, and in JSON when that one does not exist. */
function errorFormat({ request }: Exchange): Accepted | undefined {
  try {
    return negotiate(request.headers.accept);
  } catch {
    return undefined;
  }
}
