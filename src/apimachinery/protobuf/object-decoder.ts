import { formatDuration } from "#apimachinery/decode/go-duration.ts";
import { formatTime } from "#lib/clock.ts";
import type { FieldSchema, ScalarType, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { WIRE_BYTES, WireReader } from "./wire.ts";

/** The bytes before every Kubernetes object in protobuf. */
const MAGIC = Buffer.from("k8s\0");

/** A body that is not what it says it is. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
  /** Of what kind the body said it is, when that much could be read. */
  readonly type: { readonly apiVersion: string; readonly kind: string } | undefined;

  constructor(message: string, { type, ...options }: ErrorOptions & { readonly type?: { readonly apiVersion: string; readonly kind: string } } = {}) {
    super(message, options);
    this.type = type;
  }
}

/** What a protobuf body holds, still encoded. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/**
 * Takes the envelope (`runtime.Unknown`) off a protobuf body.
 *
 * @throws {ProtobufError} when the magic bytes or the fields are not there
 */
export function openEnvelope(body: Uint8Array): Envelope {
  if (body.length === 0) throw new ProtobufError("empty data");
  if (!MAGIC.equals(body.subarray(0, MAGIC.length)))
    throw new ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  return guarded(() => {
    const [meta, raw] = bytesFields(body.subarray(MAGIC.length));
    const [apiVersion, kind] = meta === undefined ? [] : bytesFields(meta);
    return { apiVersion: text(apiVersion), kind: text(kind), raw: raw ?? new Uint8Array() };
  });
}

/**
 * A protobuf message of a schema's type as the plain value that its JSON has. Zero values stand where the message has
 * them; decoding into canonical form follows, as for JSON.
 *
 * @throws {ProtobufError}
 */
export function decodeProtobuf(schema: StructSchema, bytes: Uint8Array): Record<string, unknown> {
  return guarded(() => decodeStruct(planOf(schema), bytes, {}));
}

/** How one message's fields are read, by number. */
interface Plan {
  readonly fields: ReadonlyMap<number, FieldSchema>;
  /** Inlined structs: in JSON their fields stand in the parent, here they are a message. */
  readonly inlined: ReadonlyMap<number, Plan>;
}

const plans = new WeakMap<StructSchema, Plan>();

function planOf(schema: StructSchema): Plan {
  let plan = plans.get(schema);
  if (plan === undefined) plans.set(schema, (plan = buildPlan([...schema.fields.values()], 0)));
  return plan;
}

function buildPlan(all: readonly FieldSchema[], depth: number): Plan {
  const fields = new Map<number, FieldSchema>();
  const deeper = new Map<number, FieldSchema[]>();
  for (const field of all) {
    const number = field.embedded?.[depth]?.number;
    if (field.embedded?.[depth] !== undefined) {
      if (number !== undefined) deeper.set(number, [...(deeper.get(number) ?? []), field]);
    } else if (field.number !== undefined) fields.set(field.number, field);
  }
  return { fields, inlined: new Map([...deeper].map(([number, inner]) => [number, buildPlan(inner, depth + 1)])) };
}

function decodeStruct(plan: Plan, bytes: Uint8Array, into: Record<string, unknown>): Record<string, unknown> {
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const tag = reader.uint();
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    const inlined = plan.inlined.get(number);
    const field = plan.fields.get(number);
    if (inlined !== undefined && wireType === WIRE_BYTES) decodeStruct(inlined, reader.bytes(), into);
    else if (field !== undefined) decodeField(field, wireType, reader, into);
    else reader.skip(wireType);
  }
  return into;
}

function decodeField({ name, schema, wrapped }: FieldSchema, wireType: number, reader: WireReader, into: Record<string, unknown>): void {
  if (schema.kind === "list" && wrapped !== true) decodeElements(schema.items, wireType, reader, (into[name] ??= []) as unknown[]);
  else if (schema.kind === "map") {
    const [key, value] = decodeEntry(schema.values, reader.bytes());
    Object.defineProperty((into[name] ??= {}), key, { value, enumerable: true, writable: true, configurable: true });
  } else into[name] = decodeValue(schema, reader);
}

/** One element, or a run of numbers that are packed into one field. */
function decodeElements(items: Schema, wireType: number, reader: WireReader, list: unknown[]): void {
  if (wireType !== WIRE_BYTES || items.kind !== "scalar" || !PACKED.has(items.type)) return void list.push(decodeValue(items, reader));
  const packed = new WireReader(reader.bytes());
  while (!packed.done) list.push(decodeScalar(items.type, packed));
}

const PACKED: ReadonlySet<ScalarType> = new Set(["int32", "int64", "double", "boolean"]);

function decodeValue(schema: Schema, reader: WireReader): unknown {
  switch (schema.kind) {
    case "scalar":
      return decodeScalar(schema.type, reader);
    case "struct":
      return decodeStruct(planOf(schema), reader.bytes(), {});
    case "any":
      return schema.forms === undefined ? decodeRaw(reader.bytes()) : decodeForm(schema.forms, reader.bytes());
    case "list": // a list in a map stands in a message of its own
      return decodeItems(schema.items, reader.bytes());
    case "map":
      throw new ProtobufError("a map may not stand in a list");
  }
}

function decodeEntry(values: Schema, bytes: Uint8Array): [key: string, value: unknown] {
  const reader = new WireReader(bytes);
  let key = "";
  let value: unknown;
  while (!reader.done) {
    const number = Math.floor(reader.uint() / 8);
    if (number === 1) key = reader.string();
    else value = decodeValue(values, reader);
  }
  return [key, value ?? emptyOf(values)];
}

const EMPTY_SCALARS: Partial<Record<ScalarType, unknown>> = {
  string: "",
  bytes: "",
  int32: 0,
  int64: 0,
  double: 0,
  boolean: false,
  quantity: "0",
  intOrString: 0,
  duration: "0s",
};

/** Protobuf leaves a zero value out of an entry. */
function emptyOf(values: Schema): unknown {
  if (values.kind === "scalar") return EMPTY_SCALARS[values.type] ?? null;
  return values.kind === "list" ? [] : {};
}

function decodeItems(items: Schema, bytes: Uint8Array): unknown[] {
  const reader = new WireReader(bytes);
  const out: unknown[] = [];
  while (!reader.done) {
    reader.uint();
    out.push(decodeValue(items, reader));
  }
  return out;
}

function decodeScalar(type: ScalarType, reader: WireReader): unknown {
  switch (type) {
    case "string":
      return reader.string();
    case "int32":
    case "int64":
      return reader.int();
    case "double":
      return reader.double();
    case "boolean":
      return reader.uint() !== 0;
    case "bytes":
      return Buffer.from(reader.bytes()).toString("base64");
    case "quantity":
      return text(bytesFields(reader.bytes())[0]);
    case "intOrString":
      return decodeIntOrString(reader.bytes());
    case "time":
      return decodeTime(reader.bytes(), false);
    case "microTime":
      return decodeTime(reader.bytes(), true);
    case "duration":
      return decodeDuration(reader.bytes());
  }
}

/** An empty message is the zero time, which JSON writes as null. */
function decodeTime(bytes: Uint8Array, isMicro: boolean): string | null {
  const [seconds = 0, nanos = 0] = intFields(bytes);
  if (bytes.length === 0) return null;
  const whole = formatTime(seconds * 1000);
  return isMicro ? whole.replace("Z", `.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}Z`) : whole;
}

function decodeDuration(bytes: Uint8Array): string {
  const [nanos = 0] = intFields(bytes);
  return formatDuration(nanos);
}

function decodeIntOrString(bytes: Uint8Array): number | string {
  const reader = new WireReader(bytes);
  let [isText, number, string] = [false, 0, ""];
  while (!reader.done) {
    const field = Math.floor(reader.uint() / 8);
    if (field === 1) isText = reader.uint() === 1;
    else if (field === 2) number = reader.int();
    else string = reader.string();
  }
  return isText ? string : number;
}

/** A type whose JSON is one of several: a list or a schema counts for more than the boolean beside it. */
function decodeForm(forms: readonly Schema[], bytes: Uint8Array): unknown {
  const reader = new WireReader(bytes);
  let found: unknown;
  while (!reader.done) {
    const tag = reader.uint();
    const form = forms[Math.floor(tag / 8) - 1];
    if (form === undefined) reader.skip(tag % 8);
    else if (form.kind === "list") found = [...(Array.isArray(found) ? found : []), decodeValue(form.items, reader)];
    else {
      const value = decodeValue(form, reader);
      if (form.kind !== "scalar" || found === undefined) found = value;
    }
  }
  return found;
}

/** RawExtension, FieldsV1 and JSON hold JSON text in their first field. */
function decodeRaw(bytes: Uint8Array): unknown {
  const json = text(bytesFields(bytes)[0]);
  if (json === "") return undefined;
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new ProtobufError("a field of raw JSON holds something else", { cause });
  }
}

/** The length-delimited fields of a message, by number from 1. */
function bytesFields(bytes: Uint8Array): (Uint8Array | undefined)[] {
  const reader = new WireReader(bytes);
  const out: (Uint8Array | undefined)[] = [];
  while (!reader.done) {
    const tag = reader.uint();
    if (tag % 8 === WIRE_BYTES) out[Math.floor(tag / 8) - 1] = reader.bytes();
    else reader.skip(tag % 8);
  }
  return out;
}

function intFields(bytes: Uint8Array): (number | undefined)[] {
  const reader = new WireReader(bytes);
  const out: (number | undefined)[] = [];
  while (!reader.done) {
    const tag = reader.uint();
    if (tag % 8 === 0) out[Math.floor(tag / 8) - 1] = reader.int();
    else reader.skip(tag % 8);
  }
  return out;
}

const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? "" : Buffer.from(bytes).toString());

/** A message that ends too early is the sender's mistake. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw new ProtobufError(error.message, { cause: error });
    throw error;
  }
}
