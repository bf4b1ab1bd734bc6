import type { Readable } from "node:stream";
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { TLSSocket } from "node:tls";

import { statusError } from "#apimachinery/status-error.ts";
import type { ResourcePath } from "#apiserver/http/path.ts";
import { parseQuery } from "#apiserver/http/query.ts";
import type { AuditTrail } from "#apiserver/audit/auditor.ts";
import type { Seat } from "#apiserver/flowcontrol/flow-control.ts";
import type { UserInfo } from "#apiserver/user.ts";
import { ANONYMOUS } from "#apiserver/user.ts";
import type { Http2Stream } from "#lib/http2/stream.ts";

export type Incoming = IncomingMessage | Http2Stream;

/** What responses of HTTP/1.1 and HTTP/2 have in common, as far as it is used here. */
export interface Outgoing {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  /** Bytes that wait for the client to take them. */
  readonly writableLength: number;
  writeHead(code: number, headers?: OutgoingHttpHeaders): this;
  flushHeaders(): void;
  /** @returns whether the caller may go on; else "drain" tells when */
  write(chunk: Uint8Array): boolean;
  end(chunk?: Uint8Array): unknown;
  destroy(): unknown;
  once(event: "close", listener: () => void): this;
  on(event: "close" | "drain", listener: () => void): this;
}

/** What a client may give as the id of its request. */
const MAX_ID_LENGTH = 64;
const EMPTY_QUERY = new URLSearchParams();

/** One request and the place for its answer, HTTP/1.1 or HTTP/2 alike. */
export class Exchange {
  readonly request: Incoming;
  readonly response: Outgoing;
  readonly method: string;
  /** The path without its query, undecoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly userAgent: string;
  user: UserInfo = ANONYMOUS;
  /** Who it was before impersonation. */
  authenticated: UserInfo = ANONYMOUS;
  /** Where it is written down, if a policy says so. */
  audit: AuditTrail | undefined = undefined;
  readonly warnings: string[] = [];
  /** Its place among the requests that are served at a time; given back when it is over. */
  seat: Seat | undefined = undefined;
  /** A watch, a log that is followed, a tunnel: it may take as long as it likes. */
  longRunning = false;
  /** What it asks for, once that is known to exist. */
  info: { readonly verb: string; readonly path: ResourcePath } | undefined = undefined;
  /** What was answered; 0 as long as nothing was. */
  code = 0;
  sentBytes = 0;
  /** By the monotonic clock. */
  beganMs = 0;
  readonly #newUid: () => string;
  #auditId = "";
  #isSeated = false;
  #aborted = false;
  #aborter: AbortController | undefined;

  /** @param newUid names a request that has no name of its client's */
  constructor(request: Incoming, response: Outgoing | undefined, newUid: () => string = () => "") {
    this.#newUid = newUid;
    const url = request.url ?? "/";
    const question = url.indexOf("?");
    this.request = request;
    this.response = response as Outgoing;
    this.method = request.method ?? "GET";
    this.path = question < 0 ? url : url.slice(0, question);
    this.query = question < 0 ? EMPTY_QUERY : parseQuery(url.slice(question + 1));
    this.userAgent = request.headers["user-agent"] ?? "";
    response?.on("close", () => {
      if (!response.writableFinished) this.abort();
    });
  }

  /** By which an answer is found in the audit log: the client's own for its request, or one that it is told. */
  get auditId(): string {
    if (this.#auditId !== "") return this.#auditId;
    const given = this.request.headers["audit-id"];
    this.#auditId = typeof given === "string" && given !== "" ? given.slice(0, MAX_ID_LENGTH) : this.#newUid();
    return this.#auditId;
  }

  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  get socket(): TLSSocket {
    return this.request.socket as TLSSocket;
  }

  takeSeat(seat: Seat): void {
    this.seat = seat;
    this.#isSeated = true;
  }

  /** Gives the seat back, if it has one still. */
  leaveSeat(): void {
    if (!this.#isSeated) return;
    this.#isSeated = false;
    this.seat!.level.leave();
  }

  /** Aborts when the client is gone or the time is up. */
  get signal(): AbortSignal {
    this.#aborter ??= new AbortController(); // most requests are over before anybody asks
    if (this.#aborted) this.#aborter.abort();
    return this.#aborter.signal;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  abort(): void {
    this.#aborted = true;
    this.#aborter?.abort();
  }
}

const BODY_LIMIT_BYTES = 3 * 1024 * 1024;
const NO_BYTES = Buffer.alloc(0);

/**
 * @throws {StatusError} 413 above 3 MiB; the rest of such a body is not kept. 400 when the client goes away before its end,
 * which is no fault of ours
 */
export function readBody(request: Incoming): Promise<Buffer> {
  return (isHttp2(request) ? request.readBody(BODY_LIMIT_BYTES) : bodyOf(request)).then(withinLimit, endsEarly);
}

function withinLimit(body: Buffer | undefined): Buffer {
  if (body === undefined) throw statusError.tooLarge(`Request entity too large: limit is ${BODY_LIMIT_BYTES}`);
  return body;
}

function endsEarly(): never {
  throw statusError.badRequest("unexpected EOF");
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  if (size > BODY_LIMIT_BYTES) return undefined;
  return chunks.length === 0 ? NO_BYTES : chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
}

/** The body as it comes. */
export const bodyStream = (request: Incoming): Readable => (isHttp2(request) ? request.bodyStream() : request);

/** By what it can: a file of the bundle that loads on demand has a class of its own by that name. */
const isHttp2 = (request: Incoming): request is Http2Stream => "bodyStream" in request;

const MAX_WARNINGS_RUNES = 4096;
const MAX_LONG_WARNING_RUNES = 256;

/** `Warning` headers: each text once; when they are too long together, each is cut, and in the end left out. */
export function warningHeaders(warnings: readonly string[]): string[] {
  const texts = [...new Set(warnings)].filter((text) => text !== "");
  const total = texts.reduce((sum, text) => sum + [...text].length, 0);
  const headers: string[] = [];
  let used = 0;
  for (const text of texts) {
    const shown = total > MAX_WARNINGS_RUNES ? [...text].slice(0, MAX_LONG_WARNING_RUNES).join("") : text;
    used += [...shown].length;
    if (used > MAX_WARNINGS_RUNES) break;
    headers.push(`299 - "${quoted(shown)}"`);
  }
  return headers;
}

/** Header text cannot hold controls; quotes and backslashes are escaped, other letters stay as UTF-8 bytes. */
function quoted(text: string): string {
  // oxlint-disable-next-line no-control-regex
  const plain = text.replace(/[\u0000-\u001f\u007f]+/g, " ").replace(/["\\]/g, "\\$&");
  return Buffer.from(plain).toString("latin1");
}
