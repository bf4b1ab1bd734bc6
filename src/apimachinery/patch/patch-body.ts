import { DecodeError } from "#apimachinery/decode/decode-error.ts";
import { withExactIntegers } from "#apimachinery/decode/exact-integers.ts";
import { type ParsedJson, parseJson } from "#apimachinery/decode/json.ts";
import { isObject, type JsonObject } from "#apimachinery/decode/own.ts";
import { StatusError, failure, statusError } from "#apimachinery/status-error.ts";

/** A patch as it came, and what a strict decoder objects to: members that come again. */
export interface PatchBody<T> {
  readonly patch: T;
  readonly strictErrors: readonly string[];
}

/** Where upstream's answer says nothing more: an operation of a JSON patch failed. */
export const rejected = (): StatusError => failure(422, "Invalid", "the server rejected our request due to an error in our request", {});

/** An error that upstream hands on as it is. */
export const unexpected = (message: string): StatusError => new StatusError({ status: "Failure", message, code: 500 });

/**
 * @param prefix what upstream puts before what its decoder says
 * @param exact whether integers that numbers would lose are bigints: no schema says what is one
 */
export function parsePatch(text: string, prefix: string, exact = false): ParsedJson {
  try {
    const parsed = parseJson(text);
    return exact ? { ...parsed, value: withExactIntegers(parsed.value, parsed.notes) } : parsed;
  } catch (error) {
    if (error instanceof DecodeError) throw statusError.badRequest(`${prefix}${error.message}`);
    throw error;
  }
}

/** @throws {StatusError} when the patch is no object */
export function requireObject(value: unknown, prefix: string): JsonObject {
  if (isObject(value)) return value;
  throw statusError.badRequest(`${prefix}json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`);
}

export function jsonKind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}
