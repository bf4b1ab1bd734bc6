import { isObject, setOwn } from "#apimachinery/decode/own.ts";

import { additionalOf, itemsOf, type JsonSchema, memberOf } from "./json-schema.ts";

/**
 * Fills a schema's defaults in, in place: for what is missing, and for nulls where none may be.
 *
 * @see apiextensions-apiserver pkg/apiserver/schema/defaulting
 */
export function applyDefaults(value: unknown, schema: JsonSchema | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    value.forEach((item, i) => {
      if (isForbiddenNull(item, items)) value[i] = copy(items?.default);
      applyDefaults(value[i], items);
    });
  } else if (isObject(value)) {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (property.default === undefined) continue;
      if (!Object.hasOwn(value, name) || isForbiddenNull(value[name], property)) setOwn(value, name, copy(property.default));
    }
    for (const name of Object.keys(value)) {
      const member = memberOf(schema, name);
      if (isForbiddenNull(value[name], additionalOf(schema)) && member === additionalOf(schema)) setOwn(value, name, copy(member?.default));
      applyDefaults(value[name], member);
    }
  }
}

/**
 * Takes nulls out, in place, where the schema forbids them and has no default for them.
 *
 * @see apiextensions-apiserver pkg/apiserver/schema/defaulting/prune.go
 */
export function dropForbiddenNulls(value: unknown, schema: JsonSchema | undefined): void {
  if (schema === undefined) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    for (const item of value) dropForbiddenNulls(item, items);
  } else if (isObject(value)) {
    for (const name of Object.keys(value)) {
      const member = memberOf(schema, name);
      if (member === undefined) continue;
      if (isForbiddenNull(value[name], member) && member.default === undefined) delete value[name];
      else dropForbiddenNulls(value[name], member);
    }
  }
}

const isForbiddenNull = (value: unknown, schema: JsonSchema | undefined) => value === null && schema !== undefined && schema.nullable !== true;

const copy = (value: unknown) => (value === undefined ? null : structuredClone(value));

/** Whether a schema has any defaults. */
export function hasDefaults(schema: JsonSchema): boolean {
  if (schema.default !== undefined) return true;
  const items = itemsOf(schema);
  const more = additionalOf(schema);
  return Object.values(schema.properties ?? {}).some(hasDefaults) || (items !== undefined && hasDefaults(items)) || (more !== undefined && hasDefaults(more));
}
