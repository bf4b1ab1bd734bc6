import type { IncomingHttpHeaders } from "node:http";

import type { HeaderField } from "./hpack.ts";

/** A request's headers, read and checked. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** By lower-case name; repeated ones joined. `host` is the authority where the client sends no other. */
  readonly headers: IncomingHttpHeaders;
  /** All, in order, those of HTTP/2 itself too. */
  readonly fields: readonly HeaderField[];
}

const PSEUDO = new Set([":method", ":path", ":scheme", ":authority"]);
/** They belong to connections of HTTP/1. */
const FORBIDDEN = new Set(["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"]);
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// oxlint-disable-next-line no-control-regex
const BAD_VALUE = /[\0\r\n]/;

/** Requests of one connection mostly say the same but for method and path, so the last headers are kept. */
export class RequestHeads {
  #last: RequestHead | undefined;

  /** @returns `undefined` for a malformed request */
  read(fields: readonly HeaderField[]): RequestHead | undefined {
    const pseudo = pseudoFields(fields);
    if (pseudo === undefined) return undefined;
    const { ":method": method, ":path": path, ":scheme": scheme } = pseudo;
    if (!method || !path || !scheme) return undefined;
    const headers = this.#sameAsLast(fields) ? this.#last!.headers : headersOf(fields, pseudo[":authority"]);
    if (headers === undefined) return undefined;
    const head = { method, path, headers, fields };
    this.#last = head;
    return head;
  }

  /** Whether only method and path may differ: fields come from the peer's table, so most are the very same. */
  #sameAsLast(fields: readonly HeaderField[]): boolean {
    const last = this.#last?.fields;
    if (last === undefined || last.length !== fields.length) return false;
    for (let i = 0; i < fields.length; i++) {
      const [a, b] = [last[i]!, fields[i]!];
      if (a === b) continue;
      if (a.name !== b.name || (a.value !== b.value && a.name !== ":path" && a.name !== ":method")) return false;
    }
    return true;
  }
}

type Pseudo = Partial<Record<string, string>>;

/** They come first, each once, and no others exist. */
function pseudoFields(fields: readonly HeaderField[]): Pseudo | undefined {
  const pseudo: Pseudo = {};
  let regular = false;
  for (const { name, value } of fields) {
    if (name.charCodeAt(0) !== 58) regular = true;
    else if (regular || !PSEUDO.has(name) || pseudo[name] !== undefined || BAD_VALUE.test(value)) return undefined;
    else pseudo[name] = value;
  }
  return pseudo;
}

/** Of those that make no sense twice, the first counts. */
const SINGLE = new Set(["authorization", "content-length", "content-type", "host", "if-modified-since", "if-none-match", "range", "user-agent"]);

function headersOf(fields: readonly HeaderField[], authority: string | undefined): IncomingHttpHeaders | undefined {
  const headers: Record<string, string> = {};
  for (const { name, value } of fields) {
    if (name.charCodeAt(0) === 58) continue;
    if (!NAME.test(name) || BAD_VALUE.test(value) || FORBIDDEN.has(name) || (name === "te" && value !== "trailers")) return undefined;
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (before === undefined) headers[name] = value;
    else if (!SINGLE.has(name)) headers[name] = `${before}${name === "cookie" ? "; " : ", "}${value}`;
  }
  if (authority !== undefined) headers["host"] ??= authority;
  return headers;
}
