import { isObject, type JsonObject, getOwn, setOwn } from "#apimachinery/decode/own.ts";
import { statusError } from "#apimachinery/status-error.ts";

import { type PatchBody, parsePatch, requireObject } from "./patch-body.ts";

/** @throws {StatusError} with upstream's words for a body that is no merge patch */
export function parseMergePatch(text: string, exact = false): PatchBody<JsonObject> {
  const { value, duplicates } = parsePatch(text, "error decoding patch: ", exact);
  if (value === null) throw statusError.badRequest("Invalid JSON Patch");
  const patch = requireObject(value, "error decoding patch: ");
  return { patch, strictErrors: duplicates.map((path) => `duplicate field "${path}"`) };
}

/**
 * Applies RFC 7386 as the library does that upstream uses: nulls in what is new are left out, in objects in lists too.
 *
 * @returns a new document; it shares what did not change with `document` and `patch`
 */
export function applyMergePatch(document: JsonObject, patch: JsonObject): JsonObject {
  const merged = { ...document };
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete merged[key];
    else setOwn(merged, key, mergedValue(getOwn(document, key), value));
  }
  return merged;
}

function mergedValue(current: unknown, patch: unknown): unknown {
  if (!isObject(current)) return withoutNulls(patch);
  return isObject(patch) ? applyMergePatch(current, patch) : patch;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const kept: JsonObject = {};
  for (const key of Object.keys(value)) if (value[key] !== null) setOwn(kept, key, withoutNulls(value[key]));
  return kept;
}
