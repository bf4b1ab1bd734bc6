import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";

import type { StatusError } from "#apimachinery/status-error.ts";
import type { Seat } from "#apiserver/flowcontrol/flow-control.ts";
import type { Exchange, Outgoing } from "#apiserver/http/exchange.ts";
import { warningHeaders } from "#apiserver/http/exchange.ts";
import type { Accepted } from "#apiserver/http/negotiation.ts";
import { CONTENT_TYPE } from "#apiserver/http/negotiation.ts";
import { protobufAnswer } from "#apiserver/http/protobuf-answer.ts";
import { toYaml } from "#apiserver/http/yaml.ts";
import { Http2Stream } from "#lib/http2/stream.ts";

const compress = promisify(gzip);
/** As upstream: smaller answers are not worth it. */
const GZIP_FROM_BYTES = 128 * 1024;
const NOT_MODIFIED = 304;

export type Headers = Record<string, string | readonly string[]>;

const NO_HEADERS: Headers = {};

/** Sends bytes as they are. */
export async function sendBytes(
  exchange: Exchange,
  code: number,
  contentType: string,
  body: Uint8Array | readonly Uint8Array[],
  more: Headers = NO_HEADERS,
): Promise<void> {
  const { response, warnings } = exchange;
  if (response.headersSent || response.writableEnded) return;
  exchange.code = code;
  if (code === NOT_MODIFIED) {
    response.writeHead(code, more as Record<string, string>).end(); // what describes a body would replace what the client's cache has
    return;
  }
  // What is the same for most answers comes first: then it need not be encoded again.
  const headers: Headers = { "cache-control": "no-cache, private" };
  if (contentType !== "") headers["content-type"] = contentType;
  if (exchange.seat !== undefined) addFlow(headers, exchange.seat);
  if (more !== NO_HEADERS) Object.assign(headers, more);
  if (warnings.length > 0) headers["warning"] = warningHeaders(warnings);
  addAuditId(headers, exchange);
  let pieces = body instanceof Uint8Array ? [body] : body;
  exchange.audit?.responseBody(pieces, contentType);
  if (pays(exchange, sizeOf(pieces))) {
    pieces = [await compress(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), { level: constants.Z_BEST_SPEED })];
    headers["content-encoding"] = "gzip";
    headers["vary"] = "Accept-Encoding";
  }
  headers["content-length"] = String((exchange.sentBytes = sizeOf(pieces)));
  response.writeHead(code, headers as Record<string, string>);
  if (exchange.method === "HEAD") response.end();
  else endWith(response, pieces);
}

export function addAuditId(headers: Headers, { auditId }: Exchange): void {
  if (auditId !== "") headers["audit-id"] = auditId;
}

/** By which somebody who debugs a cluster sees who is served with whom. */
export function addFlow(headers: Headers, { level, schemaUid }: Seat): void {
  headers["x-kubernetes-pf-flowschema-uid"] = schemaUid;
  headers["x-kubernetes-pf-prioritylevel-uid"] = level.uid;
}

/** To a client on this machine bytes go faster than anybody compresses them. */
function pays({ method, headers, socket }: Exchange, bytes: number): boolean {
  if (bytes <= GZIP_FROM_BYTES || method !== "GET") return false;
  const { "accept-encoding": encodings } = headers;
  return typeof encodings === "string" && encodings.includes("gzip") && socket.remoteAddress !== socket.localAddress;
}

function endWith(response: Outgoing, pieces: readonly Uint8Array[]): void {
  if (pieces.length === 1) return void response.end(pieces[0]);
  if (!(response instanceof Http2Stream)) return void response.end(Buffer.concat(pieces));
  response.writeAll(pieces);
  response.end();
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const { length } of pieces) bytes += length;
  return bytes;
}

/** Sends a value in the format that was asked for. */
export function sendValue(exchange: Exchange, code: number, value: unknown, accepted: Accepted, pretty: boolean, more: Headers = {}): Promise<void> {
  return sendBytes(exchange, code, CONTENT_TYPE[accepted.format], encode(value, accepted, pretty), more);
}

export function encode(value: unknown, { format, pretty: prettyType }: Accepted, pretty: boolean): Buffer {
  if (format === "yaml") return Buffer.from(toYaml(value));
  if (format === "protobuf") return protobufAnswer(value as object);
  return Buffer.from(pretty || prettyType ? JSON.stringify(value, undefined, 2) : `${JSON.stringify(value)}\n`);
}

const PLAIN_JSON: Accepted = { format: "json", pretty: false, as: "", asVersion: "v1" };

export function sendError(exchange: Exchange, { status, code }: StatusError, accepted: Accepted = PLAIN_JSON, pretty = false): Promise<void> {
  const more: Headers = {};
  if (status.details?.retryAfterSeconds !== undefined && status.details.retryAfterSeconds > 0) more["retry-after"] = String(status.details.retryAfterSeconds);
  return sendValue(exchange, code, status, accepted, pretty, more);
}

/** What upstream's router says of a path that means nothing. */
export function sendPageNotFound(exchange: Exchange): Promise<void> {
  return sendBytes(exchange, 404, "text/plain; charset=utf-8", Buffer.from("404 page not found\n"), { "x-content-type-options": "nosniff" });
}
