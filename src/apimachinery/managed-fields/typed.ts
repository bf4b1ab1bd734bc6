import { type JsonObject, getOwn, isObject } from "#apimachinery/decode/own.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";
import type { FieldSchema, ListSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { FieldSet, FieldSetBuilder, type PathElement, keyElement } from "./field-set.ts";

/** What a value is to an owner of fields: one thing, or one with parts. Values without a schema are what they look like. */
export type Granularity =
  | { readonly kind: "leaf" }
  | { readonly kind: "map"; readonly schema: Schema }
  | { readonly kind: "list"; readonly schema: ListSchema };

const LEAF: Granularity = { kind: "leaf" };

/** Of schemas whose values are all alike. */
const known = new WeakMap<Schema, Granularity>();

export function granularity(schema: Schema, value: unknown): Granularity {
  if (schema.kind === "scalar") return LEAF;
  let grain = known.get(schema);
  if (grain === undefined) {
    grain = granularityOf(schema, value);
    if (schema.kind !== "any") known.set(schema, grain);
  }
  return grain;
}

function granularityOf(schema: Schema, value: unknown): Granularity {
  switch (schema.kind) {
    case "struct":
    case "map":
      return schema.atomic ? LEAF : { kind: "map", schema };
    case "list":
      return schema.listType === "atomic" ? LEAF : { kind: "list", schema };
    case "any":
      return schema.forms === undefined && schema.atomic !== true && isObject(value) ? { kind: "map", schema } : LEAF;
    default:
      return LEAF;
  }
}

const ANY: Schema = { kind: "any" };

/** The schema of a member; what is not declared is kept by what preserves it, and looks like what it is. */
export function memberSchema(schema: Schema, name: string): Schema {
  if (schema.kind === "struct") return schema.fields.get(name)?.schema ?? ANY;
  return schema.kind === "map" ? schema.values : ANY;
}

/** Whether the member is a field of the type, rather than an entry of a map. */
export const isDeclared = (schema: Schema, name: string): boolean => schema.kind === "struct" && schema.fields.has(name);

/** @throws {ElementError} when the element has no key, or cannot have one */
export function elementOf(schema: ListSchema, item: unknown): PathElement {
  if (schema.listType === "map") return keyOf(schema, item);
  if (item === null) throw new ElementError("associative list without keys has an element that's an explicit null");
  if (isObject(item)) throw new ElementError("associative list without keys has an element that's a map type");
  if (Array.isArray(item)) throw new ElementError("not supported: associative list with lists as elements");
  return `v:${JSON.stringify(item)}`;
}

export class ElementError extends Error {
  override readonly name = "ElementError";
}

function keyOf({ mapKeys, items }: ListSchema, item: unknown): PathElement {
  if (item === null) throw new ElementError("associative list with keys may not have a null element");
  if (!isObject(item)) throw new ElementError("associative list with keys may not have non-map elements");
  const key: JsonObject = {};
  for (const name of mapKeys) {
    const value = getOwn(item, name) ?? (items.kind === "struct" ? defaultKey(items.fields.get(name)) : undefined);
    if (value !== undefined) key[name] = value;
  }
  if (Object.keys(key).length === 0) {
    const names = mapKeys.map((name) => JSON.stringify(name)).join(" ");
    throw new ElementError(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    );
  }
  return keyElement(key);
}

/** What a missing key counts as: the field's default, which for one that is always written is its zero value. */
function defaultKey(field: FieldSchema | undefined): unknown {
  if (field === undefined || field.default !== undefined) return field?.default;
  if (field.pointer || field.omit !== "never" || field.schema.kind !== "scalar") return undefined;
  if (field.schema.type === "string") return "";
  return field.schema.type === "int32" || field.schema.type === "int64" ? 0 : undefined;
}

/**
 * Elements by key, in order; of those that share a key, all. Elements without a key are left out, unless `strict`.
 *
 * @throws {ElementError} when `strict`
 */
export function elementsOf(schema: ListSchema, list: readonly unknown[], strict = false): Map<PathElement, unknown[]> {
  const elements = new Map<PathElement, unknown[]>();
  for (const item of list) {
    let element: PathElement;
    try {
      element = elementOf(schema, item);
    } catch (error) {
      if (error instanceof ElementError && !strict) continue; // stored before it was checked: nobody can own it
      throw error;
    }
    const same = elements.get(element);
    if (same === undefined) elements.set(element, [item]);
    else same.push(item);
  }
  return elements;
}

const isEmptyMap = (value: unknown) => !isObject(value) || Object.keys(value).length === 0;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const mapOf = (value: unknown): JsonObject => (isObject(value) ? value : {});

/** The fields that a configuration names. */
export function fieldSetOf(schema: StructSchema, value: unknown): FieldSet {
  const builder = new FieldSetBuilder();
  collect(schema, value, builder);
  return builder.build();
}

function collect(schema: Schema, value: unknown, builder: FieldSetBuilder): void {
  const grain = granularity(schema, value);
  if (grain.kind === "leaf") builder.member = true;
  else if (grain.kind === "map") collectMembers(grain.schema, mapOf(value), builder);
  else collectElements(grain.schema, listOf(value), builder);
}

function collectMembers(schema: Schema, value: JsonObject, builder: FieldSetBuilder): void {
  for (const name of Object.keys(value)) {
    const member = value[name];
    const child = builder.child(`f:${name}`);
    collect(memberSchema(schema, name), member, child);
    if (member === null || (isObject(member) && isEmptyMap(member)) || !isDeclared(schema, name)) child.member = true;
  }
}

function collectElements(schema: ListSchema, list: readonly unknown[], builder: FieldSetBuilder): void {
  for (const [element, items] of elementsOf(schema, list)) {
    const child = builder.child(element);
    if (items.length === 1) collect(schema.items, items[0], child);
    child.member = true;
  }
}

/** What distinguishes two values of a type. */
export interface Comparison {
  readonly added: FieldSet;
  readonly removed: FieldSet;
  readonly modified: FieldSet;
}

interface Builders {
  readonly added: FieldSetBuilder;
  readonly removed: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
  readonly strict: boolean;
}

/** @throws {ElementError} when `strict`, and a list that changes has an element without a key in `to` */
export function compareTyped(schema: StructSchema, from: unknown, to: unknown, strict = false): Comparison {
  const builders: Builders = { added: new FieldSetBuilder(), removed: new FieldSetBuilder(), modified: new FieldSetBuilder(), strict };
  compareAt(schema, from, to, [], builders);
  return { added: builders.added.build(), removed: builders.removed.build(), modified: builders.modified.build() };
}

type Path = PathElement[];

function insert(builder: FieldSetBuilder, path: Path): void {
  let at = builder;
  for (const element of path) at = at.child(element);
  at.member = true;
}

/** `undefined` stands for what is not there; a null is there. */
function compareAt(schema: Schema, from: unknown, to: unknown, path: Path, into: Builders): void {
  if (from === to) return;
  const grain = granularity(schema, to === undefined ? from : to);
  const both = schema.kind !== "any" || grain.kind === granularity(schema, from ?? to).kind;
  const [before, after] = grain.kind === "list" ? [listOf(from).length, listOf(to).length] : [isEmptyMap(from) ? 0 : 1, isEmptyMap(to) ? 0 : 1];
  const leaf = grain.kind === "leaf" || !both || before + after === 0;
  if (!leaf && grain.kind === "map") compareMembers(grain.schema, mapOf(from), mapOf(to), path, into);
  if (!leaf && grain.kind === "list") compareElements(grain.schema, listOf(from), listOf(to), path, into);
  if (from === undefined) insert(into.added, path);
  else if (to === undefined) insert(into.removed, path);
  else if (leaf && !equalJson(from, to)) insert(into.modified, path);
}

function compareMembers(schema: Schema, from: JsonObject, to: JsonObject, path: Path, into: Builders): void {
  for (const name of Object.keys(from)) {
    const after = getOwn(to, name);
    if (from[name] !== after) below(path, `f:${name}`, () => compareAt(memberSchema(schema, name), from[name], after, path, into));
  }
  for (const name of Object.keys(to)) {
    if (!Object.hasOwn(from, name)) below(path, `f:${name}`, () => compareAt(memberSchema(schema, name), undefined, to[name], path, into));
  }
}

function below(path: Path, element: PathElement, action: () => void): void {
  path.push(element);
  action();
  path.pop();
}

function compareElements(schema: ListSchema, from: readonly unknown[], to: readonly unknown[], path: Path, into: Builders): void {
  const before = elementsOf(schema, from);
  const after = elementsOf(schema, to, into.strict);
  for (const element of new Set([...before.keys(), ...after.keys()])) {
    below(path, element, () => compareElement(schema, before.get(element) ?? [], after.get(element) ?? [], path, into));
  }
}

/** Elements that share a key are compared, and owned, together. */
function compareElement(schema: ListSchema, from: readonly unknown[], to: readonly unknown[], path: Path, into: Builders): void {
  if (from.length <= 1 && to.length <= 1) return compareAt(schema.items, from[0], to[0], path, into);
  if (from.length >= 2 && to.length >= 2) {
    if (!equalJson(from, to)) insert(into.modified, path);
  } else if (from.length >= 2) {
    if (to.length > 0) compareAt(schema.items, undefined, to[0], path, into);
    insert(into.removed, path);
  } else {
    if (from.length > 0) compareAt(schema.items, from[0], undefined, path, into);
    insert(into.added, path);
  }
}

/** The set with every field on the way to a member made one too; entries of maps and lists are not. */
export function withNamedFields(schema: Schema, set: FieldSet): FieldSet {
  const children = new Map<PathElement, FieldSet>();
  for (const [element, child] of set.children) {
    const named = element.startsWith("f:") && isDeclared(schema, element.slice(2));
    const inner = withNamedFields(schemaBelow(schema, element), child);
    children.set(element, named && !inner.member && inner.children.size > 0 ? new FieldSet(true, inner.children) : inner);
  }
  return new FieldSet(set.member, children);
}

function schemaBelow(schema: Schema, element: PathElement): Schema {
  if (element.startsWith("f:")) return memberSchema(schema, element.slice(2));
  return schema.kind === "list" ? schema.items : ANY;
}
