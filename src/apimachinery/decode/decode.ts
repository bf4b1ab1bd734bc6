import type { FieldSchema, ListSchema, MapSchema, ScalarSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { diagnose } from "./diagnose.ts";
import { noteEmptied } from "./emptied.ts";
import type { JsonNotes } from "./json.ts";
import { isObject, type JsonObject, setOwn } from "./own.ts";
import { WRONG, scalarForms } from "./scalars.ts";

export { DecodeError } from "./decode-error.ts";

export interface Decoded<T = JsonObject> {
  /** A fresh object in the form that upstream would answer; it shares nothing with the input but `any` values. */
  readonly object: T;
  /** What a strict decoder objects to, in order of the text: `unknown field "spec.foo"`, `duplicate field "data.x"`. */
  readonly strictErrors: readonly string[];
}

/**
 * Decodes a JSON value as a Go program with upstream's types would, and gives it back as that program would write it:
 * unknown fields gone, nulls made zero values, members in the order of the struct, times and quantities in one notation.
 *
 * @param notes what the parser noted, for exact errors about numbers and for duplicates
 * @throws {DecodeError} with upstream's text, when a value has the wrong type
 */
export function decodeObject<T = JsonObject>(schema: StructSchema, value: unknown, notes?: JsonNotes): Decoded<T> {
  const context: Context = { doubtful: notes !== undefined };
  const object = (value === null ? zeroStruct(planOf(schema)) : formOf(schema)(value, context)) as T;
  return { object, strictErrors: context.doubtful ? diagnose(schema, value, notes) : [] };
}

/** Turns values into canonical form at full speed; what is wrong with one is found out by a second, slower walk. */
interface Context {
  /** Something was unknown or wrong. */
  doubtful: boolean;
}

/** @param value anything but `undefined` and `null` */
type Form = (value: unknown, context: Context) => unknown;

const forms = new WeakMap<Schema, Form>();

function formOf(schema: Schema): Form {
  let form = forms.get(schema);
  if (form === undefined) {
    form = makeForm(schema);
    forms.set(schema, form);
  }
  return form;
}

function makeForm(schema: Schema): Form {
  switch (schema.kind) {
    case "scalar":
      return scalarForm(schema);
    case "list":
      return listForm(schema);
    case "map":
      return mapForm(schema);
    case "struct":
      return structForm(schema);
    case "any":
      return schema.forms === undefined ? (value) => value : eitherForm(schema.forms);
  }
}

function scalarForm({ type }: ScalarSchema): Form {
  const canonical = scalarForms[type];
  return (value, context) => {
    const form = canonical(value);
    if (form !== WRONG) return form;
    context.doubtful = true;
    return undefined;
  };
}

function listForm({ items }: ListSchema): Form {
  let itemForm: Form | undefined; // made late: types contain themselves
  return (value, context) => {
    if (!Array.isArray(value)) return doubt(context);
    itemForm ??= formOf(items);
    const list: unknown[] = new Array(value.length);
    for (let i = 0; i < value.length; i++) list[i] = value[i] === null ? zeroOf(items) : itemForm(value[i], context);
    return list;
  };
}

function mapForm({ values }: MapSchema): Form {
  let valueForm: Form | undefined;
  return (value, context) => {
    if (!isObject(value)) return doubt(context);
    valueForm ??= formOf(values);
    const map: JsonObject = {};
    for (const key of sortedKeys(value)) setOwn(map, key, value[key] === null ? zeroOf(values) : valueForm(value[key], context));
    return map;
  };
}

/** Go writes maps in order of their keys; most come so. */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  for (let i = 1; i < keys.length; i++) if (keys[i - 1]! > keys[i]!) return keys.sort();
  return keys;
}

function eitherForm(alternatives: readonly Schema[]): Form {
  return (value, context) => {
    const schema = alternatives.find((alternative) => fits(alternative, value));
    return schema === undefined ? doubt(context) : formOf(schema)(value, context);
  };
}

/** Whether a schema is the one for this kind of JSON value, where a type has several forms. */
export function fits(schema: Schema, value: unknown): boolean {
  if (schema.kind === "list") return Array.isArray(value);
  if (schema.kind === "scalar") return typeof value === schema.type;
  return isObject(value);
}

function doubt(context: Context): undefined {
  context.doubtful = true;
  return undefined;
}

interface FieldPlan {
  readonly name: string;
  /** Its place in the struct. */
  readonly rank: number;
  readonly schema: Schema;
  /** Made at the first use. */
  form: Form | undefined;
  /** Zero values of this kind are left out. */
  readonly dropsEmpty: boolean;
  /** The field is written even if the input has none. */
  readonly always: boolean;
  readonly pointer: boolean;
  readonly dropsZeroStruct: boolean;
  /** Every object seems to have a member of this name: `constructor`, `__proto__`. */
  readonly inherited: boolean;
  /** A plain string, which is its own canonical form. */
  readonly isText: boolean;
}

interface StructPlan {
  /** By name, in the order of the struct. */
  readonly fields: ReadonlyMap<string, FieldPlan>;
  readonly always: readonly FieldPlan[];
}

const plans = new WeakMap<StructSchema, StructPlan>();

function planOf(schema: StructSchema): StructPlan {
  let plan = plans.get(schema);
  if (plan === undefined) {
    const fields = Array.from(schema.fields.values(), (field, rank) => planField(field, rank, schema));
    plan = { fields: new Map(fields.map((field) => [field.name, field])), always: fields.filter(({ always }) => always) };
    plans.set(schema, plan);
  }
  return plan;
}

/** Scalars that are structs in Go: an `omitempty` does not leave them out. */
const STRUCT_SCALARS: ReadonlySet<string> = new Set(["quantity", "intOrString", "time", "microTime", "duration"]);

/** An empty list there means something else than none: forget the owners. Who records them replaces it. */
const keepsEmpty = (name: string, owner: StructSchema) => name === "managedFields" && owner.name === "meta/v1.ObjectMeta";

function planField({ name, schema, pointer, omit }: FieldSchema, rank: number, owner: StructSchema): FieldPlan {
  const isStruct = schema.kind === "struct" || schema.kind === "any" || (schema.kind === "scalar" && STRUCT_SCALARS.has(schema.type));
  const omittable = omit !== "never" && (pointer || !isStruct || omit === "zero");
  const dropsEmpty = omit !== "never" && !pointer && !isStruct && !keepsEmpty(name, owner);
  const inherited = name in Object.prototype;
  const isText = !inherited && schema.kind === "scalar" && schema.type === "string";
  return { name, rank, schema, form: undefined, pointer, dropsEmpty, always: !omittable, dropsZeroStruct: omit === "zero" && !pointer, inherited, isText };
}

/** Values have few of the fields that their type knows, so it is the value that is walked. */
function structForm(schema: StructSchema): Form {
  let plan: StructPlan | undefined;
  return (value, context) => {
    if (!isObject(value)) return doubt(context);
    plan ??= planOf(schema);
    const { fields, always } = plan;
    const given: FieldPlan[] = [];
    let unknown = false;
    for (const name in value) {
      const field = fields.get(name);
      if (field === undefined) unknown = true;
      else if (value[name] !== undefined) insertByRank(given, field);
    }
    const struct = inOrder(given, always, value, context);
    if (unknown) takeUnknown(schema, value, struct, context);
    return struct;
  };
}

function insertByRank(fields: FieldPlan[], field: FieldPlan): void {
  let at = fields.length;
  for (; at > 0 && fields[at - 1]!.rank > field.rank; at--) fields[at] = fields[at - 1]!;
  fields[at] = field;
}

/** The members that are given and those that are always written. */
function inOrder(given: readonly FieldPlan[], always: readonly FieldPlan[], value: JsonObject, context: Context): JsonObject {
  const struct: JsonObject = {};
  let next = 0;
  for (let i = 0; i < given.length; i++) {
    const field = given[i]!;
    for (; next < always.length && always[next]!.rank < field.rank; next++) struct[always[next]!.name] = zeroMember(always[next]!);
    const member = value[field.name];
    if (member !== null) setMember(struct, field, member, context);
    else if (field.always) struct[field.name] = zeroMember(field);
    if (field.always) next++;
  }
  for (; next < always.length; next++) struct[always[next]!.name] = zeroMember(always[next]!);
  return struct;
}

function memberCount(object: JsonObject): number {
  let count = 0;
  for (const _ in object) count++;
  return count;
}

function setMember(struct: JsonObject, field: FieldPlan, member: unknown, context: Context): void {
  if (field.isText && typeof member === "string") {
    if (member !== "" || !field.dropsEmpty) struct[field.name] = member;
    return;
  }
  const form = (field.form ??= formOf(field.schema))(member, context);
  if (field.dropsEmpty && isEmpty(form)) {
    if (typeof form === "object" && form !== null) noteEmptied(struct, field.name);
    return;
  }
  if (form === null && field.dropsZeroStruct) return; // a zero time
  if (field.inherited) setOwn(struct, field.name, form);
  else struct[field.name] = form;
}

/** What Go calls empty of scalars, lists and maps. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return memberCount(value) === 0;
  return value === "" || value === false || value === 0;
}

function takeUnknown(schema: StructSchema, value: JsonObject, struct: JsonObject, context: Context): void {
  if (!schema.preserveUnknown) {
    context.doubtful = true;
    return;
  }
  for (const key of Object.keys(value)) if (!schema.fields.has(key)) setOwn(struct, key, value[key]);
}

function zeroMember({ schema, pointer }: FieldPlan): unknown {
  return pointer ? null : zeroOf(schema);
}

/** A type's zero value as Go writes it. */
function zeroOf(schema: Schema): unknown {
  switch (schema.kind) {
    case "scalar":
      return zeroScalar(schema);
    case "struct":
      return zeroStruct(planOf(schema));
    default:
      return null;
  }
}

function zeroScalar({ type }: ScalarSchema): unknown {
  switch (type) {
    case "string":
      return "";
    case "boolean":
      return false;
    case "quantity":
      return "0";
    case "duration":
      return "0s";
    case "bytes":
    case "time":
    case "microTime":
      return null;
    default:
      return 0;
  }
}

function zeroStruct({ always }: StructPlan): JsonObject {
  const struct: JsonObject = {};
  for (const field of always) struct[field.name] = zeroMember(field);
  return struct;
}
