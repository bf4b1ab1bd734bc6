import type { Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { isObject, type JsonObject } from "./own.ts";

type Fill = (value: unknown) => void;

/** By schema: what fills in the defaults below it, `undefined` where there are none. */
const fills = new Map<Schema, Fill | undefined>();
const inProgress = new Set<Schema>();

/** Fills the marker defaults in, in place: a missing field, and a zero value where the type cannot tell it from missing. */
export function applySchemaDefaults(schema: StructSchema, object: object): void {
  fillOf(schema)?.(object);
}

function fillOf(schema: Schema): Fill | undefined {
  if (fills.has(schema)) return fills.get(schema);
  if (inProgress.has(schema)) return (value) => fills.get(schema)?.(value); // a type that contains itself
  inProgress.add(schema);
  const fill = makeFill(schema);
  inProgress.delete(schema);
  fills.set(schema, fill);
  return fill;
}

function makeFill(schema: Schema): Fill | undefined {
  switch (schema.kind) {
    case "list": {
      const fill = fillOf(schema.items);
      return fill && ((value) => Array.isArray(value) && value.forEach(fill));
    }
    case "map": {
      const fill = fillOf(schema.values);
      return fill && ((value) => isObject(value) && Object.values(value).forEach(fill));
    }
    case "struct":
      return structFill(schema);
    default:
      return undefined;
  }
}

function structFill(schema: StructSchema): Fill | undefined {
  const steps: ((object: JsonObject) => void)[] = [];
  for (const { name, schema: inner, pointer, default: value } of schema.fields.values()) {
    if (value !== undefined && (pointer || !isZero(value))) steps.push((object) => setDefault(object, name, value, pointer));
    const fill = fillOf(inner);
    if (fill !== undefined) steps.push((object) => Object.hasOwn(object, name) && fill(object[name]));
  }
  if (steps.length === 0) return undefined;
  return (object) => {
    if (isObject(object)) for (const step of steps) step(object);
  };
}

function setDefault(object: JsonObject, name: string, value: unknown, pointer: boolean): void {
  const given = object[name];
  if (given === undefined || given === null || (!pointer && isZero(given))) object[name] = structuredClone(value);
}

/** What a field without a pointer has when nothing was said. A default of that kind changes nothing there. */
const isZero = (value: unknown) => value === "" || value === 0 || value === false;
