import { type JsonObject, isObject } from "#apimachinery/decode/own.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";
import type { ListSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import type { FieldSet } from "./field-set.ts";
import { elementOf, elementsOf, granularity, memberSchema } from "./typed.ts";

/**
 * The fields that are owned by who makes `created` of `empty`, as the text of their FieldsV1: what comparing both and writing
 * down what was added and modified comes to, in one walk that builds no sets. Creates are the most frequent writes.
 *
 * @param empty what decoding makes of nothing: it has no lists with elements
 * @param nobodys fields that are left out, with all below them
 * @returns `{}` when there are none
 * @throws {ElementError} for an element of an associative list that has no key
 */
export function createdFields(schema: StructSchema, empty: JsonObject, created: JsonObject, nobodys: FieldSet): string {
  return changed(schema, empty, created, nobodys) ?? "{}";
}

/** @returns `undefined` for no change */
function changed(schema: Schema, from: unknown, to: unknown, nobodys: FieldSet): string | undefined {
  if (from === to || to === undefined) return undefined;
  if (from === undefined) return added(schema, to);
  const grain = granularity(schema, to);
  if (grain.kind === "map" && (isFilled(from) || isFilled(to)))
    return changedMembers(grain.schema, isObject(from) ? from : {}, isObject(to) ? to : {}, nobodys);
  if (grain.kind === "list" && isFilledList(to)) return `{${addedElements(grain.schema, to)}}`;
  return equalJson(from, to) ? undefined : "{}";
}

function changedMembers(schema: Schema, from: JsonObject, to: JsonObject, nobodys: FieldSet): string | undefined {
  let text = "";
  for (const { name, element, key, schema: inner } of membersOf(schema, to)) {
    if (to[name] === undefined || !Object.hasOwn(to, name)) continue;
    const without = nobodys.children.size === 0 ? nobodys : nobodys.child(element);
    if (without.member) continue;
    const member = changed(inner, Object.hasOwn(from, name) ? from[name] : undefined, to[name], without);
    if (member !== undefined) text += `${text === "" ? "" : ","}${key}${member}`;
  }
  return text === "" ? undefined : `{${text}}`;
}

type Writer = (value: unknown) => string;

/** Of schemas whose values are all alike. */
const writers = new WeakMap<Schema, Writer>();

/** What is new altogether: each of its parts is one's own, and so is the whole. */
function added(schema: Schema, value: unknown): string {
  return schema.kind === "scalar" ? LEAF : writerOf(schema)(value);
}

function writerOf(schema: Schema): Writer {
  let writer = writers.get(schema);
  if (writer === undefined) {
    writer = makeWriter(schema);
    writers.set(schema, writer);
  }
  return writer;
}

const LEAF = "{}";
const writeLeaf: Writer = () => LEAF;

function makeWriter(schema: Schema): Writer {
  if (isClosed(schema) && !schema.atomic) return structWriter(schema);
  const grain = granularity(schema, schema.kind === "any" ? {} : undefined);
  if (grain.kind === "map") return (value) => (isFilled(value) ? `{".":{}${addedMembers(grain.schema, value)}}` : LEAF);
  if (grain.kind === "list") return (value) => (isFilledList(value) ? `{".":{},${addedElements(grain.schema, value)}}` : LEAF);
  return writeLeaf;
}

function addedMembers(schema: Schema, value: JsonObject): string {
  let text = "";
  for (const { name, key, schema: inner } of membersOf(schema, value)) if (value[name] !== undefined) text += `,${key}${added(inner, value[name])}`;
  return text;
}

/** Declared fields are looked up in their order: that is faster than to sort what is there. */
function structWriter(schema: StructSchema): Writer {
  const plan = declared(schema).map(({ name, key, schema: inner }) => ({
    name,
    inherited: name in Object.prototype,
    start: `,${key}${inner.kind === "scalar" ? LEAF : ""}`,
    inner: inner.kind === "scalar" ? undefined : inner,
    writer: undefined as Writer | undefined, // made late: types contain themselves
  }));
  return (value) => {
    if (!isFilled(value)) return LEAF;
    let text = '{".":{}';
    for (let i = 0; i < plan.length; i++) {
      const field = plan[i]!;
      const member = value[field.name];
      if (member === undefined || (field.inherited && !Object.hasOwn(value, field.name))) continue;
      text += field.start;
      if (field.inner !== undefined) text += (field.writer ??= writerOf(field.inner))(member);
    }
    return `${text}}`;
  };
}

/** Elements that share a key are owned together. */
function addedElements(schema: ListSchema, list: readonly unknown[]): string {
  if (list.length === 1) return `${JSON.stringify(elementOf(schema, list[0]))}:${added(schema.items, list[0])}`;
  const elements = elementsOf(schema, list, true);
  return [...elements.keys()]
    .sort()
    .map((name) => `${JSON.stringify(name)}:${elements.get(name)!.length === 1 ? added(schema.items, elements.get(name)![0]) : LEAF}`)
    .join(",");
}

interface Member {
  readonly name: string;
  readonly element: string;
  /** `"f:name":` */
  readonly key: string;
  readonly schema: Schema;
}

const memberOf = (schema: Schema, name: string): Member => ({
  name,
  element: `f:${name}`,
  key: `${JSON.stringify(`f:${name}`)}:`,
  schema: memberSchema(schema, name),
});

/** In the order of their names: all that a struct may have, or what is there. */
function membersOf(schema: Schema, value: JsonObject): readonly Member[] {
  if (isClosed(schema)) return declared(schema);
  return Object.keys(value)
    .sort()
    .map((name) => memberOf(schema, name));
}

const isClosed = (schema: Schema): schema is StructSchema => schema.kind === "struct" && schema.preserveUnknown !== true;

const declaredMembers = new WeakMap<StructSchema, readonly Member[]>();

function declared(schema: StructSchema): readonly Member[] {
  let members = declaredMembers.get(schema);
  if (members === undefined) {
    members = [...schema.fields.keys()].sort().map((name) => memberOf(schema, name));
    declaredMembers.set(schema, members);
  }
  return members;
}

const isFilledList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;

function isFilled(value: unknown): value is JsonObject {
  if (!isObject(value)) return false;
  for (const _ in value) return true;
  return false;
}
