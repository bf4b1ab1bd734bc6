import { isObject, type JsonObject, getOwn, setOwn } from "#apimachinery/decode/own.ts";
import type { FieldSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";
import { statusError } from "#apimachinery/status-error.ts";

import { goType, printGo } from "./go-print.ts";
import { type PatchBody, parsePatch, requireObject, unexpected } from "./patch-body.ts";

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_PREFIX = "$deleteFromPrimitiveList";
const ORDER_PREFIX = "$setElementOrder";

const BAD_RETAIN_KEYS = "invalid patch format of retainKeys";
const BAD_DELETE_LIST = "invalid patch format of primitive list";
const BAD_ORDER_LIST = "invalid patch format of setElementOrder list";

/** @throws {StatusError} with upstream's words for a body that is no patch */
export function parseStrategicMergePatch(text: string): PatchBody<JsonObject> {
  const { value, duplicates } = parsePatch(text, "");
  const patch = value === null ? {} : requireObject(value, "");
  return { patch, strictErrors: duplicates.map((path) => `duplicate field "${path}"`) };
}

/**
 * Merges a patch by the schema's strategies and merge keys, with all directives.
 *
 * @returns a new document; it shares what did not change with `document` and `patch`
 * @throws {StatusError} with upstream's code and words
 * @see apimachinery pkg/util/strategicpatch/patch.go
 */
export function applyStrategicMergePatch(schema: StructSchema, document: JsonObject, patch: JsonObject): JsonObject {
  return mergeMap(document, patch, schema);
}

/** How one field, or one kind of list element, is merged. */
interface Meta {
  readonly schema: Schema | undefined;
  readonly strategy: "merge" | "replace" | undefined;
  readonly mergeKey: string;
}

const NO_META: Meta = { schema: undefined, strategy: undefined, mergeKey: "" };

function metaOf(schema: Schema | undefined, key: string): Meta {
  if (schema?.kind === "map") return { ...NO_META, schema: schema.values };
  const field: FieldSchema | undefined = schema?.kind === "struct" ? schema.fields.get(key) : undefined;
  if (field === undefined) return NO_META;
  const strategy = field.patchStrategy.find((one) => one !== "retainKeys");
  return { schema: field.schema, strategy, mergeKey: field.patchMergeKey ?? "" };
}

const itemsOf = (schema: Schema | undefined) => (schema?.kind === "list" ? schema.items : undefined);

function mergeMap(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  if (Object.hasOwn(patch, DIRECTIVE)) return directed(patch);
  const merged = retained(original, patch);
  const ordered = mergeOrderedLists(merged, patch, schema);
  for (const key of Object.keys(patch)) {
    if (key !== RETAIN_KEYS && !key.startsWith(ORDER_PREFIX) && !ordered.has(key)) mergeMember(merged, key, patch[key], schema);
  }
  return merged;
}

/** What a map with `$patch` becomes, whatever it was. */
function directed(patch: JsonObject): JsonObject {
  const { [DIRECTIVE]: directive, ...rest } = patch;
  if (directive === "replace") return rest;
  if (directive === "delete") return {};
  throw unexpected(`unknown patch type: ${printGo(directive, "%s")} in map: ${printGo(patch)}`);
}

/** A copy of `original` with what `$retainKeys` leaves of it. */
function retained(original: JsonObject, patch: JsonObject): JsonObject {
  const keys = getOwn(patch, RETAIN_KEYS);
  if (keys === undefined) return { ...original };
  if (!Array.isArray(keys)) throw statusError.badRequest(BAD_RETAIN_KEYS);
  for (const key of Object.keys(patch)) {
    const directive = key === RETAIN_KEYS || key.startsWith(DELETE_PREFIX) || key.startsWith(ORDER_PREFIX);
    if (!directive && patch[key] !== null && !keys.includes(key)) throw statusError.badRequest(BAD_RETAIN_KEYS);
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => keys.includes(key)));
}

/** @returns the members of the patch that are done with */
function mergeOrderedLists(merged: JsonObject, patch: JsonObject, schema: Schema | undefined): Set<string> {
  const done = new Set<string>();
  for (const directive of Object.keys(patch)) {
    if (!directive.startsWith(ORDER_PREFIX)) continue;
    const order = requireList(patch[directive]);
    const key = keyAfter(directive, ORDER_PREFIX, BAD_ORDER_LIST);
    if (mergeOrdered(merged, key, order, getOwn(patch, key), metaOf(schema, key))) done.add(key);
  }
  return done;
}

/** @returns whether the list was put into order; not when neither side has it, or the patch asks to remove it */
function mergeOrdered(merged: JsonObject, key: string, order: readonly unknown[], patch: unknown, meta: Meta): boolean {
  const original = getOwn(merged, key);
  const originalList = original === undefined ? undefined : requireList(original);
  const patchList = patch === undefined ? undefined : requireList(patch);
  checkOrder(patchList ?? [], order, meta.mergeKey);
  if (originalList === undefined && patchList === undefined) return false;
  const list = joinedList(originalList, patchList, meta);
  const [listed, others] = partition(list, order, meta.mergeKey);
  setOwn(merged, key, interleaved(listed, others, order, originalList ?? [], meta.mergeKey, isObject(elementSample(originalList ?? [], patchList ?? []))));
  return true;
}

function joinedList(original: readonly unknown[] | undefined, patch: readonly unknown[] | undefined, meta: Meta): readonly unknown[] {
  if (patch === undefined) return original ?? [];
  return original === undefined ? (withoutDirectives(patch) as unknown[]) : mergeList(original, patch, meta, false);
}

/** The patch's elements must come in the order asked for. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], mergeKey: string): void {
  if (order.length === 0) return;
  const wanted = patch.filter((item) => !(isObject(item) && Object.hasOwn(item, DIRECTIVE)));
  let at = 0;
  for (const item of wanted) {
    while (at < order.length && !sameKey(item, order[at], mergeKey)) at++;
    if (at++ >= order.length) {
      throw unexpected(`The order in patch list:\n${printGo(patch)}\n doesn't match ${ORDER_PREFIX} list:\n${printGo(order)}\n`);
    }
  }
}

function sameKey(a: unknown, b: unknown, mergeKey: string): boolean {
  return mergeKey === "" ? a === b : keyOf(a, mergeKey) === keyOf(b, mergeKey);
}

function mergeMember(merged: JsonObject, patchKey: string, patch: unknown, schema: Schema | undefined): void {
  const deletes = patchKey.startsWith(DELETE_PREFIX);
  const key = deletes ? keyAfter(patchKey, DELETE_PREFIX, BAD_DELETE_LIST) : patchKey;
  if (patch === null) {
    delete merged[key];
    return;
  }
  const original = getOwn(merged, key);
  if (original === undefined || goType(original) !== goType(patch)) {
    if (!deletes) setNew(merged, key, withoutNulls(patch));
    return;
  }
  const meta = metaOf(schema, key);
  if (isObject(patch)) setOwn(merged, key, meta.strategy === "replace" ? patch : mergeMap(original as JsonObject, patch, meta.schema));
  else if (Array.isArray(patch)) setOwn(merged, key, deletes || meta.strategy === "merge" ? mergeList(original as unknown[], patch, meta, deletes) : patch);
  else setOwn(merged, key, patch);
}

function setNew(merged: JsonObject, key: string, value: unknown): void {
  const clean = withoutDirectives(value);
  if (clean === undefined) delete merged[key];
  else setOwn(merged, key, clean);
}

function mergeList(original: readonly unknown[], patch: readonly unknown[], meta: Meta, deletes: boolean): readonly unknown[] {
  if (original.length === 0 && patch.length === 0) return original;
  const objects = isObject(elementSample(original, patch));
  if (!objects) {
    if (deletes) return original.filter((item) => !patch.includes(item));
    const both = withoutRepeats([...original, ...patch]);
    return interleaved(...partition(both, patch, meta.mergeKey), patch, original, meta.mergeKey, false);
  }
  if (meta.mergeKey === "") throw unexpected(`cannot merge lists without merge key for ${structName(itemsOf(meta.schema))}`);
  const { kept, items } = withListDirectives(original, patch as readonly JsonObject[], meta.mergeKey);
  const list = mergeObjects(kept, items, meta);
  return interleaved(...partition(list, items, meta.mergeKey), items, kept, meta.mergeKey, true);
}

const structName = (schema: Schema | undefined) => (schema?.kind === "struct" ? schema.name.slice(schema.name.lastIndexOf(".") + 1) : "");

interface DirectedList {
  readonly kept: readonly unknown[];
  /** The patch's elements without those that were directives. */
  readonly items: readonly JsonObject[];
}

function withListDirectives(original: readonly unknown[], patch: readonly JsonObject[], mergeKey: string): DirectedList {
  let kept = original;
  let replaces = false;
  for (const item of patch) {
    const directive = getOwn(item, DIRECTIVE);
    if (directive === undefined) continue;
    if (directive === "delete") {
      const key = keyOf(item, mergeKey);
      kept = kept.filter((one) => getOwn(one as JsonObject, mergeKey) !== key);
    } else if (directive === "replace") replaces = true;
    else if (directive === "merge") throw unexpected("merging lists cannot yet be specified in the patch");
    else throw unexpected(`unknown patch type: ${printGo(directive, "%s")} in map: ${printGo(item)}`);
  }
  const items = patch.filter((item) => !Object.hasOwn(item, DIRECTIVE));
  return replaces ? { kept: items, items: [] } : { kept, items };
}

function mergeObjects(original: readonly unknown[], patch: readonly JsonObject[], { schema, mergeKey }: Meta): unknown[] {
  const list = [...original];
  for (const item of patch) {
    const key = keyOf(item, mergeKey);
    const at = list.findIndex((one) => isObject(one) && Object.hasOwn(one, mergeKey) && one[mergeKey] === key);
    if (at < 0) list.push(item);
    else list[at] = mergeMap(list[at] as JsonObject, item, itemsOf(schema));
  }
  return list;
}

/** @throws {StatusError} when the element has no such member */
function keyOf(item: unknown, mergeKey: string): unknown {
  if (!isObject(item)) throw unexpected(`expected a map[string]interface {}, but received a ${goType(item)}`);
  if (!Object.hasOwn(item, mergeKey)) throw unexpected(`map: ${printGo(item)} does not contain declared merge key: ${mergeKey}`);
  return item[mergeKey];
}

/** What is in `order`, and what is not. */
function partition(list: readonly unknown[], order: readonly unknown[], mergeKey: string): [listed: unknown[], others: unknown[]] {
  const listed: unknown[] = [];
  const others: unknown[] = [];
  for (const item of list) (indexIn(order, item, mergeKey) >= 0 ? listed : others).push(item);
  return [listed, others];
}

function indexIn(order: readonly unknown[], item: unknown, mergeKey: string): number {
  if (mergeKey === "") return order.indexOf(item);
  const key = keyOf(item, mergeKey);
  return order.findIndex((one) => isObject(one) && Object.hasOwn(one, mergeKey) && one[mergeKey] === key);
}

/** The patch's elements in its order, the server's in theirs; where both stand in the server's list, that decides. */
function interleaved(
  patch: readonly unknown[],
  others: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  mergeKey: string,
  objects: boolean,
): unknown[] {
  if (objects) for (const item of patchOrder) keyOf(item, mergeKey);
  const key = objects ? mergeKey : "";
  const left = sortedBy(others, serverOrder, key);
  const right = sortedBy(patch, patchOrder, key);
  const result: unknown[] = [];
  for (let i = 0, j = 0; i < left.length || j < right.length; ) {
    const takesLeft = j >= right.length || (i < left.length && comesBefore(left[i], right[j], serverOrder, key));
    result.push(takesLeft ? left[i++] : right[j++]);
  }
  return result;
}

function sortedBy(list: readonly unknown[], order: readonly unknown[], mergeKey: string): unknown[] {
  return list
    .map((item) => ({ item, at: indexIn(order, item, mergeKey) }))
    .sort((a, b) => (a.at >= 0 && b.at >= 0 ? a.at - b.at : 0))
    .map(({ item }) => item);
}

function comesBefore(a: unknown, b: unknown, order: readonly unknown[], mergeKey: string): boolean {
  const i = indexIn(order, a, mergeKey);
  const j = indexIn(order, b, mergeKey);
  return i >= 0 && j >= 0 && i < j;
}

/** An element, after checking that all are of one type. */
function elementSample(...lists: readonly (readonly unknown[])[]): unknown {
  const all = lists.flat();
  const [first] = all;
  if (Array.isArray(first)) throw statusError.badRequest("no support for lists of lists");
  if (all.some((item) => goType(item) !== goType(first))) throw unexpected(`list element types are not identical: ${printGo(lists)}`);
  return first;
}

/** As upstream does it: the last element takes the place of a repeated one. */
function withoutRepeats(list: unknown[]): unknown[] {
  for (let i = 0; i < list.length - 1; i++) {
    for (let j = i + 1; j < list.length; j++) {
      if (list[i] !== list[j]) continue;
      list[j--] = list.at(-1);
      list.pop();
    }
  }
  return list;
}

function keyAfter(directive: string, prefix: string, otherwise: string): string {
  if (!directive.startsWith(`${prefix}/`)) throw statusError.badRequest(otherwise);
  return directive.slice(prefix.length + 1);
}

function requireList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unexpected(`expected a []interface {}, but received a ${goType(value)}`);
}

/** Nulls say what to remove: in what is new there is nothing to remove. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const kept: JsonObject = {};
  for (const key of Object.keys(value)) if (value[key] !== null) setOwn(kept, key, withoutNulls(value[key]));
  return kept;
}

/** @returns the value without maps that carry a directive, `undefined` for such a map itself */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  const kept: JsonObject = {};
  for (const key of Object.keys(value)) {
    const clean = withoutDirectives(value[key]);
    if (clean !== undefined) setOwn(kept, key, clean);
  }
  return kept;
}
