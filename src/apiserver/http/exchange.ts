import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";

import { statusError } from "#apimachinery/status-error.ts";
import type { UserInfo } from "#apiserver/user.ts";

export type Incoming = IncomingMessage | Http2ServerRequest;
/** HTTP/2's compatibility responses have the same methods as far as they are used here. */
export type Outgoing = ServerResponse;

/** One request and the place for its answer, HTTP/1.1 or HTTP/2 alike. */
export interface Exchange {
  readonly request: Incoming;
  readonly response: Outgoing;
  readonly method: string;
  /** The path without its query, undecoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly userAgent: string;
  user: UserInfo;
  readonly warnings: string[];
  /** Aborts when the client is gone or the time is up. */
  readonly signal: AbortSignal;
  /** A watch, a log that is followed, a tunnel: it may take as long as it likes. */
  longRunning: boolean;
  abort(): void;
}

const BODY_LIMIT = 3 * 1024 * 1024;
const NO_BYTES = Buffer.alloc(0);

/**
 * @throws {StatusError} 413 above 3 MiB; the rest of such a body is not kept. 400 when the client goes away before its end,
 * which is no fault of ours
 */
export async function readBody(request: Incoming): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= BODY_LIMIT) chunks.push(chunk);
    }
  } catch {
    throw statusError.badRequest("unexpected EOF");
  }
  if (size > BODY_LIMIT) throw statusError.tooLarge(`Request entity too large: limit is ${BODY_LIMIT}`);
  return chunks.length === 0 ? NO_BYTES : chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size);
}

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
