import { type JsonObject, getOwn, isObject, setOwn } from "#apimachinery/decode/own.ts";
import type { ListSchema, Schema } from "#apimachinery/schema/schema.ts";

import type { FieldSet, PathElement } from "./field-set.ts";
import { ElementError, elementOf, elementsOf, granularity, memberSchema } from "./typed.ts";

/** A value with a configuration put over it: what the configuration names wins, the rest stays. */
export function mergeTyped(schema: Schema, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined && !isObject(config) && !Array.isArray(config)) return config;
  const grain = granularity(schema, config ?? live);
  if (grain.kind === "map") return mergeMembers(grain.schema, live, config);
  if (grain.kind === "list") return mergeElements(grain.schema, live, config);
  return config;
}

function mergeMembers(schema: Schema, live: unknown, config: unknown): unknown {
  const before = isObject(live) ? live : {};
  const wanted = isObject(config) ? config : {};
  if (Object.keys(before).length + Object.keys(wanted).length === 0) return config;
  const merged: JsonObject = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(wanted)])) {
    const value = mergeTyped(memberSchema(schema, name), getOwn(before, name), getOwn(wanted, name));
    if (value !== undefined) setOwn(merged, name, value);
  }
  return merged;
}

function mergeElements(schema: ListSchema, live: unknown, config: unknown): unknown {
  const before: readonly unknown[] = Array.isArray(live) ? live : [];
  const wanted: readonly unknown[] = Array.isArray(config) ? config : [];
  if (before.length + wanted.length === 0) return config;
  const liveElements = elementsOf(schema, before);
  const configElements = elementsOf(schema, wanted);
  return mergedOrder(schema, before, [...configElements.keys()], liveElements).map(({ element, item }) => {
    if (!configElements.has(element)) return item;
    const same = liveElements.get(element);
    return mergeTyped(schema.items, same?.length === 1 ? same[0] : undefined, configElements.get(element)![0]);
  });
}

interface Placed {
  readonly element: PathElement;
  readonly item: unknown;
}

/**
 * The configuration's elements in its order; those that only the live list has stay in front of the shared element that
 * followed them, or at the end.
 *
 * @see structured-merge-diff typed/merge.go visitListItems
 */
function mergedOrder(
  schema: ListSchema,
  live: readonly unknown[],
  wanted: readonly PathElement[],
  liveElements: ReadonlyMap<PathElement, unknown[]>,
): Placed[] {
  const placed = live.map((item) => ({ element: elementOrItself(schema, item), item }));
  const inConfig = new Set(wanted);
  const shared = wanted.filter((element) => liveElements.has(element));
  const result: Placed[] = [];
  const done = new Set<PathElement>();
  const takeWanted = (element: PathElement) => {
    done.add(element);
    result.push({ element, item: undefined });
    if (shared[0] === element) shared.shift();
  };
  for (let l = 0, w = 0; l < placed.length || w < wanted.length; ) {
    const next = placed[l];
    const want = wanted[w];
    if (next !== undefined && want !== undefined) {
      if (next.element === want) {
        takeWanted(want);
        l++;
        w++;
        continue;
      }
      if (inConfig.has(next.element) && shared.length > 0 && shared[0] !== next.element) {
        l++; // it comes later, where the configuration has it
        continue;
      }
    }
    if (next !== undefined && !inConfig.has(next.element)) {
      result.push(next);
      l++;
      continue;
    }
    if (next !== undefined && done.has(next.element)) l++;
    if (want !== undefined) {
      takeWanted(want);
      w++;
    }
  }
  return result;
}

function elementOrItself(schema: ListSchema, item: unknown): PathElement {
  try {
    return elementOf(schema, item);
  } catch (error) {
    if (error instanceof ElementError) return `?:${JSON.stringify(item)}`;
    throw error;
  }
}

/** The value without the fields of `set`, and without what is below them. */
export function removeFields(schema: Schema, value: unknown, set: FieldSet): unknown {
  const grain = granularity(schema, value);
  if (grain.kind === "map" && isObject(value)) return removeMembers(grain.schema, value, set);
  if (grain.kind === "list" && Array.isArray(value)) return removeElements(grain.schema, value, set);
  return grain.kind === "leaf" && (isObject(value) || Array.isArray(value)) ? undefined : value;
}

function removeMembers(schema: Schema, value: JsonObject, set: FieldSet): JsonObject | undefined {
  const kept: JsonObject = {};
  let touched = false;
  for (const name of Object.keys(value)) {
    const below = set.child(`f:${name}`);
    if (below.member) continue;
    if (below.children.size === 0) setOwn(kept, name, value[name]);
    else {
      touched = true;
      setOwn(kept, name, keptPart(memberSchema(schema, name), value[name], below));
    }
  }
  return touched || Object.keys(kept).length > 0 ? kept : undefined;
}

function removeElements(schema: ListSchema, value: readonly unknown[], set: FieldSet): unknown[] | undefined {
  const kept: unknown[] = [];
  let touched = false;
  for (const item of value) {
    const below = set.child(elementOrItself(schema, item));
    if (below.member) continue;
    if (below.children.size === 0) kept.push(item);
    else {
      touched = true;
      kept.push(keptPart(schema.items, item, below));
    }
  }
  return touched || kept.length > 0 ? kept : undefined;
}

/** A part that loses all that is in it stays, as an empty one. */
function keptPart(schema: Schema, value: unknown, set: FieldSet): unknown {
  const kept = removeFields(schema, value, set);
  if (kept !== undefined) return kept;
  return Array.isArray(value) ? [] : isObject(value) ? {} : null;
}
