import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";

import type { StatusError } from "#apimachinery/status-error.ts";
import type { Exchange } from "#apiserver/http/exchange.ts";
import { warningHeaders } from "#apiserver/http/exchange.ts";
import type { Accepted } from "#apiserver/http/negotiation.ts";
import { CONTENT_TYPE } from "#apiserver/http/negotiation.ts";
import { toYaml } from "#apiserver/http/yaml.ts";

const compress = promisify(gzip);
/** As upstream: smaller answers are not worth it. */
const GZIP_FROM_BYTES = 128 * 1024;
const NOT_MODIFIED = 304;

export type Headers = Record<string, string | readonly string[]>;

/** Sends bytes as they are. */
export async function sendBytes(exchange: Exchange, code: number, contentType: string, body: Uint8Array, more: Headers = {}): Promise<void> {
  const { request, response, warnings } = exchange;
  if (response.headersSent || response.writableEnded) return;
  if (code === NOT_MODIFIED) {
    response.writeHead(code, more as Record<string, string>).end(); // what describes a body would replace what the client's cache has
    return;
  }
  const headers: Headers = { "cache-control": "no-cache, private", "content-type": contentType, ...more };
  const { "audit-id": audit } = request.headers;
  if (typeof audit === "string") headers["audit-id"] = audit;
  if (warnings.length > 0) headers["warning"] = warningHeaders(warnings);
  let bytes = body;
  const { "accept-encoding": encodings } = request.headers;
  if (bytes.length > GZIP_FROM_BYTES && exchange.method === "GET" && typeof encodings === "string" && encodings.includes("gzip")) {
    bytes = await compress(bytes, { level: constants.Z_BEST_SPEED });
    headers["content-encoding"] = "gzip";
    headers["vary"] = "Accept-Encoding";
  }
  headers["content-length"] = String(bytes.length);
  response.writeHead(code, headers as Record<string, string>);
  if (exchange.method === "HEAD") response.end();
  else response.end(bytes);
}

/** Sends a value in the format that was asked for. */
export function sendValue(exchange: Exchange, code: number, value: unknown, accepted: Accepted, pretty: boolean, more: Headers = {}): Promise<void> {
  return sendBytes(exchange, code, CONTENT_TYPE[accepted.format], encode(value, accepted, pretty), more);
}

export function encode(value: unknown, { format, pretty: prettyType }: Accepted, pretty: boolean): Buffer {
  if (format === "yaml") return Buffer.from(toYaml(value));
  return Buffer.from(pretty || prettyType ? JSON.stringify(value, undefined, 2) : `${JSON.stringify(value)}\n`);
}

const PLAIN_JSON: Accepted = { format: "json", pretty: false, as: "", asVersion: "v1" };

export function sendError(exchange: Exchange, { status, code }: StatusError, accepted: Accepted = PLAIN_JSON, pretty = false): Promise<void> {
  const more: Headers = {};
  if (status.details?.retryAfterSeconds !== undefined && status.details.retryAfterSeconds > 0) more["retry-after"] = String(status.details.retryAfterSeconds);
  return sendValue(exchange, code, status, accepted, pretty, more);
}
