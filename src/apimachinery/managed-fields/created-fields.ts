import { type JsonObject, isObject } from "#apimachinery/decode/own.ts";
import { equalJson } from "#apimachinery/patch/json-patch.ts";
import type { ListSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import type { FieldSet } from "./field-set.ts";
import { type ElementText, elementText, memberText } from "./element-text.ts";
import { FieldsTrail } from "./fields-trail.ts";
import { granularity, memberSchema } from "./typed.ts";

/**
 * The fields that are owned by who makes `created` of `empty`, as FieldsV1 that are shared: what comparing both and writing
 * down what was added and modified comes to, in one walk that builds no sets. Creates are the most frequent writes.
 *
 * @param empty what decoding makes of nothing: it has no lists with elements
 * @param nobodys fields that are left out, with all below them
 * @returns `undefined` when there are none
 * @throws {ElementError} for an element of an associative list that has no key
 */
export function createdFields(schema: StructSchema, empty: JsonObject, created: JsonObject, nobodys: FieldSet): JsonObject | undefined {
  const trail = new FieldsTrail();
  return writeChanged(trail, "", { schema, from: empty, to: created, nobodys }) ? trail.fields() : undefined;
}

interface Change {
  readonly schema: Schema;
  readonly from: unknown;
  readonly to: unknown;
  readonly nobodys: FieldSet;
}

/** @returns whether there was any; else nothing is written, `key` neither */
function writeChanged(trail: FieldsTrail, key: string, { schema, from, to, nobodys }: Change): boolean {
  if (from === to || to === undefined) return false;
  const start = trail.mark;
  trail.take(key);
  if (from === undefined) return writeAdded(trail, schema, to);
  const grain = granularity(schema, to);
  if (grain.kind === "map" && (isFilled(from) || isFilled(to))) {
    if (writeChangedMembers(trail, grain.schema, isObject(from) ? from : {}, isObject(to) ? to : {}, nobodys)) return true;
  } else if (grain.kind === "list" && isFilledList(to)) {
    return writeElements(trail, "{", grain.schema, to);
  } else if (!equalJson(from, to)) {
    trail.take(LEAF);
    return true;
  }
  trail.returnTo(start);
  return false;
}

function writeChangedMembers(trail: FieldsTrail, schema: Schema, from: JsonObject, to: JsonObject, nobodys: FieldSet): boolean {
  let any = false;
  for (const { name, element, key, schema: inner } of membersOf(schema, to)) {
    const without = nobodys.children.size === 0 ? nobodys : nobodys.child(element);
    if (without.member) continue;
    const before = Object.hasOwn(from, name) ? from[name] : undefined;
    if (writeChanged(trail, any ? key.next : key.first, { schema: inner, from: before, to: to[name], nobodys: without })) any = true;
  }
  if (any) trail.take("}");
  return any;
}

type Writer = (trail: FieldsTrail, value: unknown) => void;

/** Of schemas whose values are all alike. */
const writers = new WeakMap<Schema, Writer>();

/** What is new altogether: each of its parts is one's own, and so is the whole. */
function writeAdded(trail: FieldsTrail, schema: Schema, value: unknown): true {
  if (schema.kind === "scalar") trail.take(LEAF);
  else writerOf(schema)(trail, value);
  return true;
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
const WHOLE = '{".":{}';
const writeLeaf: Writer = (trail) => trail.take(LEAF);

function makeWriter(schema: Schema): Writer {
  if (isClosed(schema) && !schema.atomic) return (trail, value) => writeStruct(trail, schema, value);
  const grain = granularity(schema, schema.kind === "any" ? {} : undefined);
  if (grain.kind === "map") return (trail, value) => writeMap(trail, grain.schema, value);
  if (grain.kind === "list") {
    return (trail, value) => void (isFilledList(value) ? writeElements(trail, `${WHOLE},`, grain.schema, value) : trail.take(LEAF));
  }
  return writeLeaf;
}

function writeStruct(trail: FieldsTrail, schema: StructSchema, value: unknown): void {
  if (!isFilled(value)) return trail.take(LEAF);
  trail.take(WHOLE);
  for (const member of declaredIn(schema, value)) {
    trail.take(member.start);
    if (!member.isLeaf) (member.writer ??= writerOf(member.schema))(trail, value[member.name]);
  }
  trail.take("}");
}

function writeMap(trail: FieldsTrail, schema: Schema, value: unknown): void {
  if (!isFilled(value)) return trail.take(LEAF);
  trail.take(WHOLE);
  for (const name of Object.keys(value).sort()) {
    if (value[name] === undefined) continue;
    trail.take(`,${memberText(name)}`);
    writeAdded(trail, memberSchema(schema, name), value[name]);
  }
  trail.take("}");
}

/** Elements that share a key are owned together. */
function writeElements(trail: FieldsTrail, start: string, schema: ListSchema, list: readonly unknown[]): true {
  trail.take(start);
  if (list.length === 1) {
    trail.take(`${elementText(schema, list[0]).json}:`);
    writeAdded(trail, schema.items, list[0]);
  } else writeSorted(trail, schema, list);
  trail.take("}");
  return true;
}

function writeSorted(trail: FieldsTrail, schema: ListSchema, list: readonly unknown[]): void {
  const elements = new Map<string, { readonly text: ElementText; readonly item: unknown; shared: boolean }>();
  for (const item of list) {
    const text = elementText(schema, item);
    const same = elements.get(text.element);
    if (same === undefined) elements.set(text.element, { text, item, shared: false });
    else same.shared = true;
  }
  let comma = "";
  for (const { text, item, shared } of [...elements.values()].sort((a, b) => (a.text.element < b.text.element ? -1 : 1))) {
    trail.take(`${comma}${text.json}:`);
    if (shared) trail.take(LEAF);
    else writeAdded(trail, schema.items, item);
    comma = ",";
  }
}

interface Member {
  readonly name: string;
  readonly element: string;
  /** What stands before it when it is the first, and when it is not: `{"f:name":` and `,"f:name":`. */
  readonly key: { readonly first: string; readonly next: string };
  readonly schema: Schema;
}

function memberOf(schema: Schema, name: string): Member {
  const text = memberText(name);
  return { name, element: `f:${name}`, key: { first: `{${text}`, next: `,${text}` }, schema: memberSchema(schema, name) };
}

/** Those that are there, in the order of their names. */
function membersOf(schema: Schema, value: JsonObject): readonly Member[] {
  if (isClosed(schema)) return declaredIn(schema, value);
  const members: Member[] = [];
  for (const name of Object.keys(value).sort()) if (value[name] !== undefined) members.push(memberOf(schema, name));
  return members;
}

const isClosed = (schema: Schema): schema is StructSchema => schema.kind === "struct" && schema.preserveUnknown !== true;

/** A field of a struct. */
interface DeclaredMember extends Member {
  /** Its place in the order of names. */
  readonly rank: number;
  readonly isLeaf: boolean;
  /** What stands before what its parts are written as; for a leaf, all of it. */
  readonly start: string;
  /** Made at the first use: types contain themselves. */
  writer: Writer | undefined;
}

const declaredMembers = new WeakMap<StructSchema, ReadonlyMap<string, DeclaredMember>>();

function declared(schema: StructSchema): ReadonlyMap<string, DeclaredMember> {
  let members = declaredMembers.get(schema);
  if (members === undefined) {
    members = new Map([...schema.fields.keys()].sort().map((name, rank) => [name, declaredMember(schema, name, rank)]));
    declaredMembers.set(schema, members);
  }
  return members;
}

function declaredMember(schema: StructSchema, name: string, rank: number): DeclaredMember {
  const member = memberOf(schema, name);
  const isLeaf = member.schema.kind === "scalar";
  return { ...member, rank, isLeaf, start: member.key.next + (isLeaf ? LEAF : ""), writer: undefined };
}

/** An object has few of the fields that its type knows, so it is the object that is walked. */
function declaredIn(schema: StructSchema, value: JsonObject): DeclaredMember[] {
  const known = declared(schema);
  const found: DeclaredMember[] = [];
  for (const name in value) {
    const member = known.get(name);
    if (member === undefined || value[name] === undefined) continue;
    let at = found.length;
    for (; at > 0 && found[at - 1]!.rank > member.rank; at--) found[at] = found[at - 1]!;
    found[at] = member;
  }
  return found;
}

const isFilledList = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length > 0;

function isFilled(value: unknown): value is JsonObject {
  if (!isObject(value)) return false;
  for (const _ in value) return true;
  return false;
}
