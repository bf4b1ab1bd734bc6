import { DecodeError, decodeObject } from "#apimachinery/decode/decode.ts";
import { isObject, type JsonObject } from "#apimachinery/decode/own.ts";
import type { JsonNotes } from "#apimachinery/decode/json.ts";
import { type FieldError, type FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";
import { isDns1035Label, nameIsPathSegment } from "#apimachinery/validation/names.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";

import { sorted } from "./findings.ts";
import { additionalOf, itemsOf, type JsonSchema, memberOf, propertyOf } from "./json-schema.ts";

const EMBEDDED = "x-kubernetes-embedded-resource";

/** What `coerceMetadata` works by. */
export interface Coercion {
  /** The schema of ObjectMeta. */
  readonly metadata: StructSchema;
  readonly notes?: JsonNotes | undefined;
}

/** A kind, version or metadata that is not what its name says; the text tells the place. */
export class CoercionError extends Error {
  override readonly name = "CoercionError";
  readonly fieldError: FieldError;

  constructor(fault: FieldError) {
    super(`${fault.field}: ${fault.text}`);
    this.fieldError = fault;
  }
}

/**
 * Brings the metadata of embedded resources into its canonical form, in place.
 *
 * @returns the paths of unknown members
 * @throws {CoercionError} with the path and upstream's words
 * @see apiextensions-apiserver pkg/apiserver/schema/objectmeta
 */
export function coerceEmbedded(path: FieldPath, value: unknown, schema: JsonSchema, by: Coercion): string[] {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items === undefined ? [] : value.flatMap((item, i) => coerceEmbedded(path.index(i), item, items, by));
  }
  if (!isObject(value)) return [];
  const unknown: string[] = [];
  for (const name of Object.keys(value)) {
    if (schema[EMBEDDED] === true) unknown.push(...coerceMember(path, value, name, by));
    const own = propertyOf(schema, name);
    const member = own ?? additionalOf(schema);
    if (member !== undefined) unknown.push(...coerceEmbedded(own === undefined ? path.key(name) : path.child(name), value[name], member, by));
  }
  return unknown;
}

function coerceMember(path: FieldPath, object: JsonObject, name: string, by: Coercion): string[] {
  const value = object[name];
  if ((name === "apiVersion" || name === "kind") && typeof value !== "string") {
    throw new CoercionError(fieldError.invalid(path.child(name), value, "must be a string"));
  }
  if (name !== "metadata") return [];
  try {
    const { object: metadata, strictErrors } = coerceMetadata(value, by);
    object[name] = metadata;
    const prefix = path.child("metadata").toString();
    return strictErrors.map((text) => /^unknown field "(.*)"$/.exec(text)?.[1] ?? "").flatMap((field) => (field === "" ? [] : [`${prefix}.${field}`]));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new CoercionError(fieldError.invalid(path.child("metadata"), sorted(value), error.message));
  }
}

/** Metadata in canonical form, and what is strange in it. @throws {DecodeError} */
export function coerceMetadata(value: unknown, { metadata, notes }: Coercion): { object: JsonObject; strictErrors: readonly string[] } {
  const decoded = decodeObject<JsonObject>(metadata, value, notes);
  if (decoded.object["creationTimestamp"] === null) delete decoded.object["creationTimestamp"];
  return decoded;
}

/** What is wrong with embedded resources. @param isRoot whether the value itself is one */
export function validateEmbedded(path: FieldPath, value: unknown, schema: JsonSchema, isRoot = false): FieldError[] {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    return items === undefined ? [] : value.flatMap((item, i) => validateEmbedded(path.index(i), item, items));
  }
  if (!isObject(value)) return [];
  const errors = schema[EMBEDDED] === true || isRoot ? resourceErrors(path, value) : [];
  for (const name of Object.keys(value)) {
    const own = propertyOf(schema, name);
    const member = memberOf(schema, name);
    if (member !== undefined) errors.push(...validateEmbedded(own === undefined ? path.key(name) : path.child(name), value[name], member));
  }
  return errors;
}

function resourceErrors(path: FieldPath, object: JsonObject): FieldError[] {
  const missing = ["apiVersion", "kind"].filter((name) => !Object.hasOwn(object, name)).map((name) => fieldError.required(path.child(name)));
  return [...missing, ...Object.keys(object).flatMap((name) => memberErrors(path, name, object[name]))];
}

function memberErrors(path: FieldPath, name: string, value: unknown): FieldError[] {
  const at = path.child(name);
  if (name === "metadata") return metadataErrors(at, value);
  if (name !== "apiVersion" && name !== "kind") return [];
  if (typeof value !== "string") return [fieldError.invalid(at, value, "must be a string")];
  if (value === "") return [fieldError.invalid(at, value, "must not be empty")];
  if (name === "apiVersion") return value.split("/").length > 2 ? [fieldError.invalid(at, value, `unexpected GroupVersion string: ${value}`)] : [];
  const why = isDns1035Label(value.toLowerCase());
  return why.length === 0 ? [] : [fieldError.invalid(at, value, `may have mixed case, but should otherwise match: ${why.join(",")}`)];
}

function metadataErrors(path: FieldPath, value: unknown): FieldError[] {
  if (!isObject(value)) return [];
  const { name, namespace } = value as { name?: string; namespace?: string };
  const meta = { ...value, ...((name ?? "") === "" && { name: "fakename" }) };
  return validateObjectMeta(meta, { namespaced: (namespace ?? "") !== "", validateName: nameIsPathSegment, path });
}
