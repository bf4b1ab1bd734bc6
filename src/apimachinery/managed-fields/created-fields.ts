import { type JsonObject, isObject } from "#apimachinery/decode/own.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";
import type { ListSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import type { FieldSet } from "./field-set.ts";
import { elementsOf, granularity, memberSchema } from "./typed.ts";

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
  for (const name of orderedNames(schema, to)) {
    const without = nobodys.child(`f:${name}`);
    if (without.member) continue;
    const member = changed(memberSchema(schema, name), Object.hasOwn(from, name) ? from[name] : undefined, to[name], without);
    if (member !== undefined) text += `${text === "" ? "" : ","}${memberKey(name)}${member}`;
  }
  return text === "" ? undefined : `{${text}}`;
}

type Writer = (value: unknown) => string;

/** Of schemas whose values are all alike. */
const writers = new WeakMap<Schema, Writer>();

/** What is new altogether: each of its parts is one's own, and so is the whole. */
function added(schema: Schema, value: unknown): string {
  let writer = writers.get(schema);
  if (writer === undefined) {
    writer = makeWriter(schema);
    writers.set(schema, writer);
  }
  return writer(value);
}

const LEAF = "{}";
const writeLeaf: Writer = () => LEAF;

function makeWriter(schema: Schema): Writer {
  if (schema.kind === "struct" && !schema.atomic && schema.preserveUnknown !== true) return structWriter(schema);
  const grain = granularity(schema, schema.kind === "any" ? {} : undefined);
  if (grain.kind === "map") return (value) => (isFilled(value) ? `{".":{}${addedMembers(grain.schema, value)}}` : LEAF);
  if (grain.kind === "list") return (value) => (isFilledList(value) ? `{".":{},${addedElements(grain.schema, value)}}` : LEAF);
  return writeLeaf;
}

function addedMembers(schema: Schema, value: JsonObject): string {
  let text = "";
  for (const name of Object.keys(value).sort()) {
    if (value[name] !== undefined) text += `,${memberKey(name)}${added(memberSchema(schema, name), value[name])}`;
  }
  return text;
}

/** Declared fields are looked up in their order: that is faster than to sort what is there. */
function structWriter(schema: StructSchema): Writer {
  const fields = declaredNames(schema).map((name) => ({ name, key: `,${memberKey(name)}`, schema: memberSchema(schema, name) }));
  const writersOfFields: (Writer | undefined)[] = []; // made late: types contain themselves
  return (value) => {
    if (!isFilled(value)) return LEAF;
    let text = '{".":{}';
    for (let i = 0; i < fields.length; i++) {
      const { name, key, schema: inner } = fields[i]!;
      const member = value[name];
      if (member === undefined || (name in Object.prototype && !Object.hasOwn(value, name))) continue;
      text += key;
      text += (writersOfFields[i] ??= writerOf(inner))(member);
    }
    return `${text}}`;
  };
}

function writerOf(schema: Schema): Writer {
  return schema.kind === "scalar" ? writeLeaf : (value) => added(schema, value);
}

/** Elements that share a key are owned together. */
function addedElements(schema: ListSchema, list: readonly unknown[]): string {
  const elements = elementsOf(schema, list, true);
  const names = elements.size === 1 ? elements.keys() : [...elements.keys()].sort();
  let text = "";
  for (const name of names) {
    const items = elements.get(name)!;
    text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${items.length === 1 ? added(schema.items, items[0]) : LEAF}`;
  }
  return text;
}

const memberKey = (name: string) => `${JSON.stringify(`f:${name}`)}:`;

const namesOf = new WeakMap<StructSchema, readonly string[]>();

function declaredNames(schema: StructSchema): readonly string[] {
  let names = namesOf.get(schema);
  if (names === undefined) {
    names = [...schema.fields.keys()].sort();
    namesOf.set(schema, names);
  }
  return names;
}

function orderedNames(schema: Schema, value: JsonObject): readonly string[] {
  if (schema.kind !== "struct" || schema.preserveUnknown === true) return Object.keys(value).sort();
  return declaredNames(schema).filter((name) => value[name] !== undefined && Object.hasOwn(value, name));
}

const isFilledList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;

function isFilled(value: unknown): value is JsonObject {
  if (!isObject(value)) return false;
  for (const _ in value) return true;
  return false;
}
