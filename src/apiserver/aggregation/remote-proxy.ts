import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Duplex } from "node:stream";

import { isAvailable } from "#api/apiregistration-v1/conditions.ts";
import type { RemoteService } from "#apiserver/aggregation/api-services.ts";
import { afterPatience } from "#apiserver/aggregation/patient-timer.ts";
import { dialWords, type Location, type RemoteDialer } from "#apiserver/aggregation/remote-dialer.ts";
import { remoteHeaders } from "#apiserver/aggregation/remote-headers.ts";
import { bodyStream, type Exchange } from "#apiserver/http/exchange.ts";
import { sendBytes } from "#apiserver/http/respond.ts";
import { awaitAnswer, awaitUpgrade, join, pour } from "#apiserver/streaming/tunnel.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

export interface RemoteProxyDeps {
  readonly dialer: RemoteDialer;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Everybody waits for discovery: it has to be quick. */
const DISCOVERY_TIMEOUT_MS = 5000;
const REDIRECTED = "the backend attempted to redirect this request, which is not permitted";
const HOP_HEADERS = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);

/**
 * Hands requests on to the extension servers of APIServices, answers and watches as they come.
 *
 * @see kubernetes/kube-aggregator pkg/apiserver/handler_proxy.go
 */
export class RemoteProxy {
  readonly #deps: RemoteProxyDeps;

  constructor(deps: RemoteProxyDeps) {
    this.#deps = deps;
  }

  async serve(exchange: Exchange, service: RemoteService): Promise<void> {
    const location = this.#locate(service);
    if (location === undefined) return sendText(exchange, 503, "service unavailable");
    const asking = this.#ask(exchange, service, location, false);
    if (asking instanceof Error) return sendText(exchange, 500, asking.message);
    const cancel = () => asking.destroy();
    exchange.signal.addEventListener("abort", cancel, { once: true });
    const timer = isDiscovery(exchange.path)
      ? afterPatience(this.#deps.clock, DISCOVERY_TIMEOUT_MS, () => asking.destroy(new Error("context deadline exceeded")))
      : undefined;
    try {
      bodyStream(exchange.request).pipe(asking);
      const answer = await awaitAnswer(asking);
      await this.#forward(exchange, answer);
    } catch (error) {
      if (exchange.aborted || exchange.response.headersSent) return void exchange.response.destroy();
      await sendText(exchange, 503, `error trying to reach service: ${dialWords(error, service)}`);
    } finally {
      timer?.cancel();
      exchange.signal.removeEventListener("abort", cancel);
    }
  }

  /** A request to become another protocol. */
  async upgrade(exchange: Exchange, service: RemoteService, client: { readonly socket: Duplex; readonly head: Buffer }): Promise<void> {
    const { socket } = client;
    const location = this.#locate(service);
    if (location === undefined) return void socket.end(rawText(503, "Service Unavailable", "service unavailable"));
    const asking = this.#ask(exchange, service, location, true);
    if (asking instanceof Error) return void socket.end(rawText(500, "Internal Server Error", asking.message));
    socket.once("close", () => asking.destroy());
    try {
      const answer = await awaitUpgrade(asking);
      if (answer.upgraded) return join(client, answer);
      refused(socket, answer.response);
    } catch (error) {
      socket.end(rawText(503, "Service Unavailable", `error dialing backend: ${dialWords(error, service)}`));
    }
  }

  #locate(service: RemoteService): Location | undefined {
    if (!isAvailable(service)) return undefined;
    try {
      return this.#deps.dialer.locate(service);
    } catch (error) {
      this.#deps.logger.warn("an extension server cannot be located", { service: service.metadata.name, error });
      return undefined;
    }
  }

  #ask(exchange: Exchange, service: RemoteService, location: Location, upgrade: boolean): ClientRequest | Error {
    const { method, request, path, user, auditId, headers } = exchange;
    const from = (exchange.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    const sent: OutgoingHttpHeaders = remoteHeaders(headers, { user, authority: location.authority, path, auditId, from, upgrade });
    // A body whose length is not known is sent in pieces.
    if (method !== "GET" && method !== "HEAD" && headers["content-length"] === undefined) sent["transfer-encoding"] = "chunked";
    try {
      return this.#deps.dialer.request(service, location, { method, path: request.url ?? path, headers: sent }, { upgrade });
    } catch (error) {
      return error as Error;
    }
  }

  async #forward(exchange: Exchange, answer: IncomingMessage): Promise<void> {
    const { response, auditId } = exchange;
    const { statusCode = 502, headers } = answer;
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      answer.destroy();
      return sendBytes(exchange, 502, "", Buffer.from(REDIRECTED));
    }
    const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_HEADERS.has(name)));
    exchange.code = statusCode;
    exchange.audit?.stage("ResponseStarted");
    response.writeHead(statusCode, { "cache-control": "no-cache, private", ...kept, ...(auditId !== "" && { "audit-id": auditId }) });
    response.flushHeaders(); // a watch may have no event for long
    await pour(answer, response);
  }
}

/** `/apis/group/version`, which says what there is. */
const isDiscovery = (path: string): boolean => path.split("/").filter((part) => part !== "").length === 3;

function sendText(exchange: Exchange, code: number, text: string): Promise<void> {
  return sendBytes(exchange, code, "text/plain; charset=utf-8", Buffer.from(`${text}\n`), { "x-content-type-options": "nosniff" });
}

function rawText(code: number, reason: string, text: string): string {
  const body = `${text}\n`;
  const type = "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff";
  return `HTTP/1.1 ${code} ${reason}\r\n${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

/** What an extension server says instead of changing the protocol. */
function refused(socket: Duplex, answer: IncomingMessage): void {
  const { statusCode = 502, statusMessage = "", headers } = answer;
  const lines = Object.entries(headers).flatMap(([name, value]) => (HOP_HEADERS.has(name) ? [] : [`${name}: ${String(value)}\r\n`]));
  socket.write(`HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join("")}connection: close\r\n\r\n`);
  answer.pipe(socket);
}
