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

/** They belong to connections of HTTP/1. */
const FORBIDDEN = new Set(["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"]);
const COLON = ":".charCodeAt(0);

/** Requests of one connection mostly say the same but for method and path, so the last headers are kept. */
export class RequestHeads {
  #last: RequestHead | undefined;

  /** @returns `undefined` for a malformed request */
  read(fields: readonly HeaderField[]): RequestHead | undefined {
    const pseudo = pseudoFields(fields);
    if (pseudo === undefined) return undefined;
    const { method, path, scheme, authority } = pseudo;
    if (!method || !path || !scheme) return undefined;
    const headers = this.#sameAsLast(fields) ? this.#last!.headers : headersOf(fields, authority);
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

interface Pseudo {
  method: string | undefined;
  path: string | undefined;
  scheme: string | undefined;
  authority: string | undefined;
}

const PSEUDO_NAMES: Readonly<Record<string, keyof Pseudo>> = { ":method": "method", ":path": "path", ":scheme": "scheme", ":authority": "authority" };

/** They come first, each once, and no others exist. */
function pseudoFields(fields: readonly HeaderField[]): Pseudo | undefined {
  const pseudo: Pseudo = { method: undefined, path: undefined, scheme: undefined, authority: undefined };
  let regular = false;
  for (const { name, value, proper } of fields) {
    if (!proper) return undefined;
    if (name.charCodeAt(0) !== COLON) {
      regular = true;
      continue;
    }
    const known = PSEUDO_NAMES[name];
    if (regular || known === undefined || pseudo[known] !== undefined) return undefined;
    pseudo[known] = value;
  }
  return pseudo;
}

/** Of those that make no sense twice, the first counts. */
const SINGLE = new Set(["authorization", "content-length", "content-type", "host", "if-modified-since", "if-none-match", "range", "user-agent"]);

function headersOf(fields: readonly HeaderField[], authority: string | undefined): IncomingHttpHeaders | undefined {
  const headers: Record<string, string> = {};
  for (const { name, value } of fields) {
    if (name.charCodeAt(0) === COLON) continue;
    if (FORBIDDEN.has(name) || (name === "te" && value !== "trailers")) return undefined;
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (before === undefined) headers[name] = value;
    else if (!SINGLE.has(name)) headers[name] = `${before}${name === "cookie" ? "; " : ", "}${value}`;
  }
  if (authority !== undefined) headers["host"] ??= authority;
  return headers;
}
