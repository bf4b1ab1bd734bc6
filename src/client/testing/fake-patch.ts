import type { PatchType } from "#client/transport.ts";

type Json = unknown;
type JsonObject = Record<string, Json>;

/** Keys by which lists are merged in a strategic patch, by field; enough for what controllers patch. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  conditions: "type",
  ownerReferences: "uid",
  containers: "name",
  containerStatuses: "name",
  addresses: "type",
  ports: "port",
  env: "name",
};

export function applyPatch(type: PatchType, target: Json, patch: Json): Json {
  if (type === "json") return (patch as readonly JsonOperation[]).reduce(applyOperation, structuredClone(target));
  return merge(target, patch, type === "strategic");
}

function merge(target: Json, patch: Json, isStrategic: boolean, field = ""): Json {
  if (Array.isArray(patch)) return isStrategic && MERGE_KEYS[field] !== undefined ? mergeList(target, patch, MERGE_KEYS[field]) : patch;
  if (!isObject(patch)) return patch;
  if (patch["$patch"] === "replace") return without(patch, "$patch");
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    const listField = key.startsWith("$deleteFromPrimitiveList/") ? key.slice("$deleteFromPrimitiveList/".length) : undefined;
    if (listField !== undefined) merged[listField] = ((merged[listField] as Json[] | undefined) ?? []).filter((item) => !(value as Json[]).includes(item));
    else if (key.startsWith("$setElementOrder/")) continue;
    else if (value === null) delete merged[key];
    else if (isStrategic && key === "finalizers") merged[key] = [...new Set([...((merged[key] as Json[] | undefined) ?? []), ...(value as Json[])])];
    else merged[key] = merge(merged[key], value, isStrategic, key);
  }
  return merged;
}

function mergeList(target: Json, patch: readonly Json[], mergeKey: string): Json {
  const merged = [...((target as JsonObject[] | undefined) ?? [])];
  for (const item of patch as readonly JsonObject[]) {
    const index = merged.findIndex((candidate) => candidate[mergeKey] === item[mergeKey]);
    if (item["$patch"] === "delete") merged.splice(index, index < 0 ? 0 : 1);
    else if (index < 0) merged.push(item);
    else merged[index] = merge(merged[index], item, true) as JsonObject;
  }
  return merged;
}

interface JsonOperation {
  readonly op: "add" | "remove" | "replace" | "test";
  readonly path: string;
  readonly value?: Json;
}

function applyOperation(document: Json, { op, path, value }: JsonOperation): Json {
  const parts = path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = parts.pop()!;
  const holder = parts.reduce<Json>((current, part) => (current as JsonObject)[part], document) as JsonObject | Json[];
  if (op === "test") {
    if (JSON.stringify((holder as JsonObject)[last]) !== JSON.stringify(value)) throw new Error(`test of ${path} failed`);
  } else if (Array.isArray(holder)) {
    const index = last === "-" ? holder.length : Number(last);
    if (op === "add") holder.splice(index, 0, value);
    else if (op === "remove") holder.splice(index, 1);
    else holder[index] = value;
  } else if (op === "remove") delete holder[last];
  else holder[last] = value;
  return document;
}

const isObject = (value: Json): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object;
  return rest;
}
