import { fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

import type { Errors } from "../pod-spec/checks.ts";

/** What a ConfigMap or Secret may hold in all. */
export const MAX_DATA_BYTES = 1024 * 1024;

/** The bytes that base64 text stands for. */
export function decodedSize(base64: string): number {
  return Buffer.byteLength(base64, "base64");
}

/** Nothing, as the bytes of a key, is written as no bytes. */
export function nullsToEmpty(data: Record<string, string> | undefined): void {
  for (const key in data) data[key] ??= "";
}

interface Immutable {
  readonly immutable?: boolean | undefined;
}

/** Of what was declared immutable, nothing changes any more, the declaration included. */
export function checkKept<T extends Immutable>(errors: Errors, object: T, old: T, fields: readonly (keyof T & string)[]): void {
  if (old.immutable !== true) return;
  const why = "field is immutable when `immutable` is set";
  if (object.immutable !== true) errors.push(fieldError.forbidden(new FieldPath("immutable"), why));
  for (const field of fields) if (!sameJson(object[field], old[field])) errors.push(fieldError.forbidden(new FieldPath(field), why));
}
