import type { ScalarSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { DecodeError } from "./decode-error.ts";
import { diagnose } from "./diagnose.ts";
import { isObject } from "./own.ts";
import { WRONG, scalarForms } from "./scalars.ts";

const GO_KINDS: Readonly<Record<string, string>> = { boolean: "bool", double: "float64" };
/** Types that decode themselves, and so have the same errors on every road. */
const OWN_ERRORS: ReadonlySet<string> = new Set(["quantity", "time", "microTime", "duration", "intOrString", "bytes"]);

/**
 * What is wrong with a value that goes into a type without passing through JSON, as strategic merge patches do upstream: the
 * words are others than those of `decodeObject`.
 *
 * @returns `undefined` when nothing is
 * @see apimachinery pkg/runtime/converter.go
 */
export function conversionFault(schema: Schema, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  switch (schema.kind) {
    case "struct":
      return isObject(value) ? firstFault(schema, value) : `cannot restore struct from: ${goKind(value)}`;
    case "map":
      if (!isObject(value)) return `cannot restore map from ${goKind(value)}`;
      return first(Object.values(value), (member) => conversionFault(schema.values, member));
    case "list":
      return Array.isArray(value) ? first(value, (item) => conversionFault(schema.items, item)) : `cannot restore slice from ${goKind(value)}`;
    case "scalar":
      return scalarFault(schema, value);
    case "any":
      return undefined;
  }
}

const firstFault = (schema: StructSchema, value: Readonly<Record<string, unknown>>) =>
  first([...schema.fields.values()], (field) => conversionFault(field.schema, Object.hasOwn(value, field.name) ? value[field.name] : undefined));

function first<T>(list: readonly T[], faultOf: (item: T) => string | undefined): string | undefined {
  for (const item of list) {
    const fault = faultOf(item);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function scalarFault(schema: ScalarSchema, value: unknown): string | undefined {
  if (scalarForms[schema.type](value) !== WRONG) return undefined;
  if (!OWN_ERRORS.has(schema.type)) return `unrecognized type: ${GO_KINDS[schema.type] ?? schema.type}`;
  try {
    diagnose({ kind: "struct", name: "", atomic: false, fields: new Map([["", fieldOf(schema)]]) }, { "": value }, undefined);
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  return undefined;
}

const fieldOf = (schema: ScalarSchema) => ({ name: "", schema, required: false, pointer: false, omit: "never", patchStrategy: [] }) as const;

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "slice";
  if (isObject(value)) return "map";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return typeof value === "boolean" ? "bool" : typeof value;
}
