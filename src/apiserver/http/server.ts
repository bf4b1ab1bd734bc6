import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

import { StatusError, statusError } from "#apimachinery/status-error.ts";
import { OutcomeUnknownError, StoreFullError, StoreUnreachableError } from "#storage/store.ts";
import type { Authenticator } from "#apiserver/authn/authenticator.ts";
import type { Auditor } from "#apiserver/audit/auditor.ts";
import type { RequestHeaderConfig } from "#apiserver/authn/request-headers.ts";
import { impersonated } from "#apiserver/authn/impersonation.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { forbidden } from "#apiserver/authz/forbidden.ts";
import type { FlowControl } from "#apiserver/flowcontrol/flow-control.ts";
import { TooManyRequests } from "#apiserver/flowcontrol/priority-level.ts";
import { Deadlines } from "#apiserver/http/deadlines.ts";
import { Exchange, type Incoming, type Outgoing } from "#apiserver/http/exchange.ts";
import { parseApiPath } from "#apiserver/http/path.ts";
import { type RemoteApi, remoteOfPath, type Remotes } from "#apiserver/http/remotes.ts";
import type { PlainHandler } from "#apiserver/http/plain.ts";
import type { ResourceHandler } from "#apiserver/http/resource-handler.ts";
import { isPretty, negotiate } from "#apiserver/http/negotiation.ts";
import { checkTimeout } from "#apiserver/http/query.ts";
import type { Accepted } from "#apiserver/http/negotiation.ts";
import type { Headers } from "#apiserver/http/respond.ts";
import { sendBytes, sendPageNotFound, sendError } from "#apiserver/http/respond.ts";
import { answeredByMessages, isUpgradable, messageResponse } from "#apiserver/http/upgrades.ts";
import { methodNotAllowed } from "#apiserver/registry/resource-api.ts";
import { ANONYMOUS, type UserInfo } from "#apiserver/user.ts";
import { outliveAcceptErrors } from "#lib/accept-errors.ts";
import { sleep, type Clock } from "#lib/clock.ts";
import { Http2Connection } from "#lib/http2/connection.ts";
import { Http2Stream } from "#lib/http2/stream.ts";
import type { Logger } from "#lib/logger.ts";
import { bearerOfProtocols } from "#lib/websocket.ts";

export interface HttpServerOptions {
  readonly tls: HttpTls;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly resources: ResourceHandler;
  readonly flow: FlowControl;
  readonly observer: RequestObserver;
  readonly auditor?: Auditor | undefined;
  readonly remotes?: Remotes | undefined;
  /** Asked in order for paths that name no resource. */
  readonly plain: readonly PlainHandler[];
  readonly logger: Logger;
  readonly clock: Clock;
  readonly newUid: () => string;
}

/** Hears of every request but upgrades. */
export interface RequestObserver {
  began(exchange: Exchange): void;
  /** Its answer, if it has one, is on its way. */
  ended(exchange: Exchange): void;
}

export interface HttpTls {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** Certificates that sign clients. */
  readonly clientCa: string;
  /** Certificates that sign front proxies, and the names these may have. */
  readonly requestHeader?: RequestHeaderConfig | undefined;
}

const authoritiesOf = ({ clientCa, requestHeader }: HttpTls) => [clientCa, ...(requestHeader === undefined ? [] : [requestHeader.ca])];

const MAX_CONCURRENT_STREAMS = 1000;
/** So long clients have to hear that they are to go elsewhere. */
const GOAWAY_GRACE_MS = 50;
/** As long as upstream lets a client wait that is one too many. */
const RETRY_AFTER_S = "1";
const STREAM_WINDOW_BYTES = 1024 * 1024;

/** HTTPS on one port: HTTP/2, HTTP/1.1 and its upgrades. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<Http2Connection>();
  /** All connections, those that have not said hello included. */
  readonly #sockets = new Set<Socket>();
  readonly #deadlines: Deadlines;
  #closing = false;
  #tls: HttpTls;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, (exchange, error) => {
      void this.#fail(exchange, error);
      exchange.abort();
    });
    const { key, cert } = options.tls;
    this.#tls = options.tls;
    this.#server = createServer({
      ALPNProtocols: ["h2", "http/1.1"],
      key,
      cert,
      ca: authoritiesOf(options.tls),
      requestCert: true,
      rejectUnauthorized: false,
      noDelay: true,
      keepAlive: true, // a client that vanished without a word is found out
      shouldUpgradeCallback: (request) => isUpgradable(request) || this.#remoteOf(request) !== undefined,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    // Watches last for an hour: no time limit on a request as a whole.
    Object.assign(this.#server, { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 120_000 });
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuseMalformed(error, socket));
    this.#takeConnections();
  }

  /** Node's server for HTTP/1.1 gets the connections of such clients; those of HTTP/2 are ours. */
  #takeConnections(): void {
    const [serveHttp1] = this.#server.listeners("secureConnection");
    this.#server.removeAllListeners("secureConnection");
    const options = { maxConcurrentStreams: MAX_CONCURRENT_STREAMS, streamWindowBytes: STREAM_WINDOW_BYTES, date: dateHeader(this.#options.clock) };
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("secureConnection", (socket) => {
      socket.on("error", () => {}); // the client went away
      if (socket.alpnProtocol !== "h2") return void serveHttp1!.call(this.#server, socket);
      const connection = new Http2Connection(socket, options, (stream) => void this.#serve(stream, stream));
      this.#connections.add(connection);
      socket.once("close", () => this.#connections.delete(connection));
    });
  }

  /** What is shown and believed now. */
  get tls(): HttpTls {
    return this.#tls;
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
        const { clock, logger } = this.#options;
        outliveAcceptErrors(this.#server, clock, (error, count) => logger.error("connections could not be taken", { error, count }));
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Shows another certificate from now on; connections that stand go on. @throws when key and certificate do not fit */
  useTls(tls: HttpTls): void {
    const { key, cert } = tls;
    this.#server.setSecureContext({ key, cert, ca: authoritiesOf(tls) });
    this.#tls = tls;
  }

  /** Stops listening and cuts every connection; HTTP/2 clients are told to go elsewhere first. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#deadlines.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.goaway();
    if (this.#connections.size > 0) await sleep(this.#options.clock, GOAWAY_GRACE_MS);
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: Incoming, response: Outgoing): Promise<void> {
    const exchange = new Exchange(request, response, this.#options.newUid);
    this.#deadlines.add(exchange);
    this.#options.observer.began(exchange);
    try {
      await this.#answer(exchange);
    } catch (error) {
      await this.#fail(exchange, error);
    } finally {
      exchange.leaveSeat();
      this.#deadlines.remove(exchange);
      this.#options.observer.ended(exchange);
      exchange.audit?.stage("ResponseComplete");
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const path = parseApiPath(exchange.path);
    if (path.kind !== "resource") checkTimeout(exchange.query);
    try {
      await this.#authenticate(exchange); // also where it need not wait: a request that is cut off in the same breath is to be seen as such
    } finally {
      this.#options.auditor?.begin(exchange, path);
    }
    if (exchange.aborted) return; // who goes away at once is gone before anybody listens for it
    if (path.kind === "resource") return this.#options.resources.handle(exchange, path);
    await this.#enterPath(exchange);
    this.#authorizePath(exchange);
    const remote = remoteOfPath(this.#options.remotes, exchange.path);
    if (remote !== undefined) return remote.serve(exchange);
    const { request, method, query, user } = exchange;
    for (const handler of this.#options.plain) {
      const found = await handler({ method, path: exchange.path, query, headers: request.headers, user });
      if (found === undefined) continue;
      const { "content-type": type = found.body.length === 0 ? "" : "text/plain", ...headers } = found.headers;
      return sendBytes(exchange, found.status, type, typeof found.body === "string" ? Buffer.from(found.body) : found.body, headers);
    }
    return sendPageNotFound(exchange);
  }

  /** @returns a promise when it has to wait */
  #authenticate(exchange: Exchange): Promise<void> | undefined {
    const { authenticator } = this.#options;
    const found = authenticator.authenticate({ socket: exchange.socket, authorization: authorizationOf(exchange.request), request: exchange.request });
    if (found instanceof Promise) return found.then((user) => this.#identify(exchange, user));
    this.#identify(exchange, found);
    return undefined;
  }

  #identify(exchange: Exchange, found: UserInfo | undefined | "invalid"): void {
    if (found === "invalid") throw statusError.unauthorized();
    exchange.user = exchange.authenticated = found ?? ANONYMOUS;
    exchange.user = impersonated(exchange.authenticated, exchange.request, this.#options.authorizer);
  }

  #remoteOf({ url = "" }: IncomingMessage): RemoteApi | undefined {
    return remoteOfPath(this.#options.remotes, url.split("?", 1)[0]!);
  }

  async #enterPath(exchange: Exchange): Promise<void> {
    const { user, method, path } = exchange;
    const verb = method === "HEAD" ? "get" : method.toLowerCase();
    const request = { user, verb, path, group: "", plural: "", subresource: "", namespace: "" };
    exchange.takeSeat(await this.#options.flow.enter(request, () => exchange.signal));
  }

  #authorizePath(exchange: Exchange): void {
    const { user, method, path } = exchange;
    const attributes = { user, verb: method === "HEAD" ? "get" : method.toLowerCase(), path };
    const { allowed, reason } = this.#options.authorizer.authorize(attributes);
    exchange.audit?.decided(allowed, reason);
    if (!allowed) throw forbidden(attributes, reason);
  }

  async #fail(exchange: Exchange, error: unknown): Promise<void> {
    const { response, path, method } = exchange;
    if (exchange.aborted) return; // nobody is there to hear of it
    const isBusy = error instanceof TooManyRequests;
    if (!(isBusy || error instanceof StatusError || error instanceof StoreFullError)) this.#options.logger.error("a request failed", { method, path, error });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const status = statusOf(error);
    if (!isBusy) exchange.audit?.failed(status);
    try {
      if (isBusy) return await sendText(exchange, 429, error.message, { "retry-after": RETRY_AFTER_S });
      await sendError(exchange, status, errorFormat(exchange), isPretty(exchange.query, exchange.userAgent));
    } catch (failure) {
      this.#options.logger.warn("an answer could not be sent", { method, path, error: failure });
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const remote = this.#remoteOf(request);
    if (remote === undefined && answeredByMessages(request)) return this.#serve(request, await messageResponse({ request, socket, head }));
    const exchange = new Exchange(request, undefined, this.#options.newUid);
    try {
      await this.#authenticate(exchange);
      const path = parseApiPath(exchange.path);
      if (path.kind !== "resource") throw methodNotAllowed();
      this.#options.auditor?.begin(exchange, path);
      exchange.code = 101;
      await this.#options.resources.upgrade(exchange, path, { socket, head });
    } catch (error) {
      exchange.audit?.failed(statusOf(error));
      if (!(error instanceof StatusError)) this.#options.logger.error("an upgrade failed", { path: exchange.path, error });
      const { status, code } = statusOf(error);
      socket.end(rawAnswer(`${code} ${status.reason ?? ""}`, status));
    } finally {
      exchange.audit?.stage("ResponseComplete");
    }
  }
}

function sendText(exchange: Exchange, code: number, text: string, more: Headers = {}): Promise<void> {
  return sendBytes(exchange, code, "text/plain; charset=utf-8", Buffer.from(`${text}\n`), { "x-content-type-options": "nosniff", ...more });
}

/** Browsers cannot set this header for a WebSocket: they hide their token elsewhere. */
function authorizationOf(request: Incoming): string | undefined {
  const { authorization, upgrade } = request.headers;
  if (authorization !== undefined || upgrade === undefined || request instanceof Http2Stream) return authorization;
  const bearer = bearerOfProtocols(request);
  if (bearer === "invalid") throw statusError.unauthorized();
  return bearer && `Bearer ${bearer}`;
}

function statusOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof OutcomeUnknownError) return statusError.timeout(error.message);
  if (error instanceof StoreFullError) return statusError.internal(error); // as upstream when etcd has no room
  if (error instanceof StoreUnreachableError) return statusError.serviceUnavailable(error.message);
  return statusError.internal(error);
}

/** Go's. What is to be executed stands in the path. */
const MAX_HEADER_BYTES = 1 << 20;

/** What is no HTTP/1.1 is answered before any request is made of it; unknown methods end here too. */
function refuseMalformed({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    socket.end(
      "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n431 Request Header Fields Too Large",
    );
    return;
  }
  const { status } = (code === "HPE_INVALID_METHOD" ? methodNotAllowed() : statusError.badRequest("Bad Request")) as StatusError;
  socket.end(rawAnswer(status.code === 405 ? "405 Method Not Allowed" : "400 Bad Request", status));
}

function rawAnswer(line: string, status: object): string {
  const body = `${JSON.stringify(status)}\n`;
  return `HTTP/1.1 ${line}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

/** As HTTP writes times, made once a second. */
function dateHeader(clock: Clock): () => string {
  let second = 0;
  let text = "";
  return () => {
    const now = Math.floor(clock.now() / 1000);
    if (now !== second) {
      second = now;
      text = new Date(now * 1000).toUTCString();
    }
    return text;
  };
}

/** Errors are told in the format that was asked for, and in JSON that is indented when that one does not exist. */
function errorFormat({ request }: Exchange): Accepted {
  try {
    return negotiate(request.headers.accept, { transforms: false });
  } catch {
    return { format: "json", pretty: true, as: "", asVersion: "v1" };
  }
}
