import { isObject, type JsonObject } from "#apimachinery/decode/own.ts";

import { additionalOf, itemsOf, type JsonSchema, propertyOf } from "./json-schema.ts";

const META_FIELDS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/**
 * Takes what the schema does not know out of an object, in place.
 *
 * @param isRoot whether `value` is a whole object, with kind and metadata
 * @returns the paths of what was taken out, in order
 * @see apiextensions-apiserver pkg/apiserver/schema/pruning
 */
export function prune(value: unknown, schema: JsonSchema, isRoot: boolean): string[] {
  const unknown: string[] = [];
  pruneAt(value, isRoot ? { ...schema, "x-kubernetes-embedded-resource": true } : schema, "", unknown);
  return unknown.sort();
}

function pruneAt(value: unknown, schema: JsonSchema | undefined, path: string, unknown: string[]): void {
  if (schema?.["x-kubernetes-preserve-unknown-fields"] === true) return pruneKept(value, schema, path, unknown);
  if (Array.isArray(value)) {
    const items = schema === undefined ? undefined : itemsOf(schema);
    value.forEach((item, i) => pruneAt(item, items, `${path}[${i}]`, unknown));
  } else if (isObject(value)) {
    pruneMembers(value, schema, path, unknown);
  }
}

function pruneMembers(value: JsonObject, schema: JsonSchema | undefined, path: string, unknown: string[]): void {
  for (const name of Object.keys(value)) {
    if (schema?.["x-kubernetes-embedded-resource"] === true && META_FIELDS.has(name)) continue;
    const own = schema && propertyOf(schema, name);
    const more = schema?.additionalProperties;
    if (own !== undefined) pruneAt(value[name], own, below(path, name), unknown);
    else if (schema !== undefined && more !== undefined) pruneAt(value[name], additionalOf(schema), below(path, name), unknown);
    else {
      unknown.push(below(path, name));
      delete value[name];
    }
  }
}

/** Where unknown fields stay, those of known ones below may not. */
function pruneKept(value: unknown, schema: JsonSchema, path: string, unknown: string[]): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items !== undefined) value.forEach((item, i) => pruneKept(item, items, `${path}[${i}]`, unknown));
  } else if (isObject(value)) {
    for (const name of Object.keys(value)) {
      if (schema["x-kubernetes-embedded-resource"] === true && META_FIELDS.has(name)) continue;
      const own = propertyOf(schema, name);
      if (own !== undefined) pruneAt(value[name], own, below(path, name), unknown);
      else if (schema.additionalProperties !== undefined) pruneAt(value[name], additionalOf(schema), below(path, name), unknown);
    }
  }
}

const below = (path: string, name: string) => (path === "" ? name : `${path}.${name}`);
