import { isObject } from "#apimachinery/decode/own.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";

import { type JsonSchema, memberOf } from "./json-schema.ts";

/** What stood in a place before. */
export interface Earlier {
  readonly value: unknown;
}

/** @param path of the object: kind and version of the root are never what they were */
export function correlatedMember(schema: JsonSchema, name: string, path: string, earlier: Earlier | undefined): Earlier | undefined {
  if (earlier === undefined || !isObject(earlier.value) || !Object.hasOwn(earlier.value, name)) return undefined;
  if (path === "" && (name === "kind" || name === "apiVersion")) return undefined;
  return memberOf(schema, name) === undefined ? undefined : { value: earlier.value[name] };
}

/** Only elements of a list by keys can be told from one another. */
export function correlatedItem(schema: JsonSchema, item: unknown, earlier: Earlier | undefined): Earlier | undefined {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (schema["x-kubernetes-list-type"] !== "map" || !Array.isArray(earlier?.value) || !isObject(item)) return undefined;
  const same = earlier.value.find((old) => isObject(old) && keys.every((key) => equalJson(old[key] ?? null, item[key] ?? null)));
  return same === undefined ? undefined : { value: same };
}
