import { canonicalQuantity } from "#apimachinery/quantity.ts";
import type { ScalarType } from "#apimachinery/schema/schema.ts";

import { formatDuration, parseDuration } from "./go-duration.ts";
import { normalizeMicroTime, normalizeTime } from "./go-time.ts";

/** Said of a value that is not of the type: some other part explains why. */
export const WRONG = Symbol("wrong");

/** The canonical form of a JSON value (never null) of each scalar type, or `WRONG`. */
export const scalarForms: Readonly<Record<ScalarType, (value: unknown) => unknown>> = {
  string: (value) => (typeof value === "string" ? value : WRONG),
  int32: (value) => (Number.isInteger(value) && (value as number) >= -(2 ** 31) && (value as number) < 2 ** 31 ? value : WRONG),
  int64: (value) => (Number.isInteger(value) && (value as number) >= -(2 ** 63) && (value as number) <= 2 ** 63 ? value : WRONG),
  double: (value) => (typeof value === "number" && Number.isFinite(value) ? value : WRONG),
  boolean: (value) => (typeof value === "boolean" ? value : WRONG),
  bytes: bytesForm,
  quantity: (value) => orWrong(canonicalQuantity, typeof value === "number" ? String(value) : value),
  intOrString: (value) => (typeof value === "string" ? value : scalarForms.int32(value)),
  time: (value) => orWrong(normalizeTime, value),
  microTime: (value) => orWrong(normalizeMicroTime, value),
  duration: (value) => orWrong((text) => formatDuration(parseDuration(text)), value),
};

function orWrong(form: (text: string) => unknown, value: unknown): unknown {
  if (typeof value !== "string") return WRONG;
  try {
    return form(value);
  } catch {
    return WRONG;
  }
}

function bytesForm(value: unknown): unknown {
  if (typeof value === "string") return base64Form(value);
  const isByte = (item: unknown) => Number.isInteger(item) && (item as number) >= 0 && (item as number) < 256;
  return Array.isArray(value) && value.every(isByte) ? Buffer.from(value).toString("base64") : WRONG;
}

function base64Form(text: string): unknown {
  const canonical = Buffer.from(text, "base64").toString("base64");
  if (canonical === text) return text;
  return illegalBase64At(text) === undefined ? canonical : WRONG;
}

/**
 * Where Go's base64.StdEncoding finds the first fault of a text.
 *
 * @returns the index that Go names, `undefined` when the text is fine
 */
export function illegalBase64At(text: string): number | undefined {
  const bytes = Buffer.from(text);
  const isBreak = (at: number) => bytes[at] === 10 || bytes[at] === 13;
  let inGroup = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (isBreak(at)) continue;
    if (bytes[at] === 61) return faultOfPadding(bytes, at, inGroup, isBreak);
    if (!isBase64(bytes[at]!)) return at;
    inGroup = (inGroup + 1) % 4;
  }
  return inGroup === 0 ? undefined : bytes.length - inGroup;
}

function faultOfPadding(bytes: Buffer, at: number, inGroup: number, isBreak: (at: number) => boolean): number | undefined {
  if (inGroup < 2) return at;
  let next = at + 1;
  if (inGroup === 2) {
    while (isBreak(next)) next++;
    if (next >= bytes.length) return bytes.length;
    if (bytes[next] !== 61) return next;
    next++;
  }
  while (isBreak(next)) next++;
  return next < bytes.length ? next : undefined;
}

function isBase64(c: number): boolean {
  return (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || (c >= 48 && c <= 57) || c === 43 || c === 47;
}
