import { DecodeError } from "#apimachinery/decode/decode-error.ts";
import { parseJson } from "#apimachinery/decode/json.ts";
import { statusError } from "#apimachinery/status-error.ts";

/** Where the next page of a list begins. */
export interface ContinueToken {
  /** The revision of the first page; -1 when the rest may be of any. */
  readonly revision: number;
  /** The full key to begin at, itself included. */
  readonly startKey: string;
}

const VERSION = "meta.k8s.io/v1";

/** @param lastKey the full key of the page's last item */
export function encodeContinue(revision: number, prefix: string, lastKey: string): string {
  const token = { v: VERSION, rv: revision, start: `${lastKey.slice(prefix.length)}\0` };
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

/** @throws {StatusError} 400 */
export function decodeContinue(text: string, prefix: string): ContinueToken {
  const foreign = text.search(/[^A-Za-z0-9_-]/);
  if (foreign >= 0) throw invalid(`illegal base64 data at input byte ${Buffer.byteLength(text.slice(0, foreign))}`);
  let token: { v?: unknown; rv?: unknown; start?: unknown };
  try {
    token = parseJson(Buffer.from(text, "base64url").toString("utf8")).value as typeof token;
  } catch (cause) {
    throw invalid(cause instanceof DecodeError ? cause.message : "illegal base64 data");
  }
  if (token?.v !== VERSION) throw invalid(`server does not recognize this encoded version "${String(token?.v ?? "")}"`);
  if (typeof token.rv !== "number" || token.rv === 0) throw invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (typeof token.start !== "string" || token.start === "") throw invalid("incorrect encoded start key (version meta.k8s.io/v1)");
  if (token.start.startsWith("/") || token.start.split("/").includes("..")) throw invalid(token.start);
  return { revision: token.rv, startKey: prefix + token.start };
}

function invalid(detail: string): Error {
  return statusError.badRequest(`invalid continue token: continue key is not valid: ${detail}`);
}
