import { parseDuration } from "#apimachinery/decode/go-duration.ts";
import type { FieldSchema, ScalarType, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { BackwardWriter } from "./backward-writer.ts";
import { WIRE_BYTES, WIRE_FIXED64, WIRE_VARINT } from "./wire.ts";

type Members = Readonly<Record<string, unknown>>;
/** Writes a value with its tag. */
type Write = (out: BackwardWriter, value: unknown) => void;
/** Writes what an object has for one field. */
type Step = (out: BackwardWriter, from: Members) => void;

const MAGIC = Buffer.from("k8s\0");
const NOTHING: Members = {};
const writer = new BackwardWriter();

/**
 * An object in canonical form as the message of its schema's type: byte for byte what upstream's generated code writes,
 * which has every field that is no pointer, zero or not.
 */
export function encodeProtobuf(schema: StructSchema, value: object): Buffer {
  return written((out) => writeStruct(schema, out, value as Members));
}

/** A message in the envelope (`runtime.Unknown`) that says what it is. */
export function protobufEnvelope(apiVersion: string, kind: string, raw: Uint8Array): Buffer {
  return Buffer.concat(envelopePieces(apiVersion, kind, [raw]));
}

/** The same around a message that is in pieces. */
export function envelopePieces(apiVersion: string, kind: string, raw: readonly Uint8Array[]): Uint8Array[] {
  const size = raw.reduce((sum, { length }) => sum + length, 0);
  const head = written((out) => {
    out.varint(size);
    out.varint(tagOf(2, WIRE_BYTES));
    const mark = out.length;
    writeText(out, 2, kind);
    writeText(out, 1, apiVersion);
    out.header(tagOf(1, WIRE_BYTES), mark);
    out.bytes(MAGIC);
  });
  return [head, ...raw, NO_CONTENT_TYPE];
}

/** The envelope's last two fields, which are empty. */
const NO_CONTENT_TYPE = Buffer.from([0x1a, 0, 0x22, 0]);

/** A field of a message that holds a message: its tag, its length and itself. */
export function messageField(number: number, message: Uint8Array): Buffer {
  return written((out) => {
    out.bytes(message);
    out.header(tagOf(number, WIRE_BYTES), 0);
  });
}

/** A watch's event, as long as it says it is: streams of protobuf have no other marks between their messages. */
export function watchFrame(type: string, object: Uint8Array): Buffer {
  return written((out) => {
    out.bytes(object);
    out.header(tagOf(1, WIRE_BYTES), 0);
    out.header(tagOf(2, WIRE_BYTES), 0);
    writeText(out, 1, type);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(out.length);
    out.bytes(size);
  });
}

function written(write: (out: BackwardWriter) => void): Buffer {
  try {
    write(writer);
    return writer.take();
  } finally {
    writer.clear();
  }
}

const tagOf = (number: number, wireType: number) => number * 8 + wireType;

const plans = new WeakMap<StructSchema, readonly Step[]>();

function writeStruct(schema: StructSchema, out: BackwardWriter, from: Members): void {
  let steps = plans.get(schema);
  if (steps === undefined) plans.set(schema, (steps = stepsOf([...schema.fields.values()], 0)));
  for (const step of steps) step(out, from);
}

/** By falling number, as all is written from its end. */
function stepsOf(fields: readonly FieldSchema[], depth: number): Step[] {
  const steps = new Map<number, Step>();
  const inlined = new Map<number, FieldSchema[]>();
  for (const field of fields) {
    const struct = field.embedded?.[depth];
    if (struct === undefined) {
      if (field.number !== undefined) steps.set(field.number, fieldStep(field, field.number));
    } else if (struct.number !== undefined) inlined.set(struct.number, [...(inlined.get(struct.number) ?? []), field]);
  }
  for (const [number, inner] of inlined) steps.set(number, inlinedStep(stepsOf(inner, depth + 1), number));
  return [...steps].sort(([a], [b]) => b - a).map(([, step]) => step);
}

/** In JSON an inlined struct's fields stand in the parent, here they are a message. */
function inlinedStep(steps: readonly Step[], number: number): Step {
  return (out, from) => {
    const mark = out.length;
    for (const step of steps) step(out, from);
    out.header(tagOf(number, WIRE_BYTES), mark);
  };
}

function fieldStep({ name, schema, pointer, wrapped }: FieldSchema, number: number): Step {
  const get = memberOf(name);
  if (schema.kind === "map") {
    const write = mapWriter(schema.values, number);
    return (out, from) => write(out, get(from));
  }
  const write = writerOf(schema, number);
  if (schema.kind === "list" && wrapped !== true) return listStep(get, schema.items, number);
  if (schema.kind === "list" || pointer || isOptional(schema)) return (out, from) => ifPresent(out, get(from), write);
  return (out, from) => write(out, get(from) ?? undefined);
}

function listStep(get: (from: Members) => unknown, items: Schema, number: number): Step {
  const write = writerOf(items, number);
  return (out, from) => writeElements(out, get(from), write);
}

function ifPresent(out: BackwardWriter, value: unknown, write: Write): void {
  if (value !== undefined && value !== null) write(out, value);
}

/** Bytes are a slice in Go, and left out when they are nil. */
const isOptional = (schema: Schema) => schema.kind === "scalar" && schema.type === "bytes";

/** A member by that name which is the object's own. */
function memberOf(name: string): (from: Members) => unknown {
  return name in Object.prototype ? (from) => (Object.hasOwn(from, name) ? from[name] : undefined) : (from) => from[name];
}

function writeElements(out: BackwardWriter, list: unknown, write: Write): void {
  if (!Array.isArray(list)) return;
  for (let i = list.length - 1; i >= 0; i--) write(out, list[i] ?? undefined);
}

/** @returns what writes one value of the type under a number; a list is in a message of its own */
function writerOf(schema: Schema, number: number): Write {
  switch (schema.kind) {
    case "scalar":
      return scalarWriter(schema.type, number);
    case "struct":
      return message(number, (out, value) => writeStruct(schema, out, (value ?? NOTHING) as Members));
    case "list": {
      const write = writerOf(schema.items, 1);
      return message(number, (out, value) => writeElements(out, value, write));
    }
    case "map":
      return mapWriter(schema.values, number);
    case "any":
      return message(number, schema.forms === undefined ? writeRaw : formWriter(schema.forms));
  }
}

function message(number: number, write: Write): Write {
  const tag = tagOf(number, WIRE_BYTES);
  return (out, value) => {
    const mark = out.length;
    write(out, value);
    out.header(tag, mark);
  };
}

/** RawExtension, FieldsV1 and JSON hold JSON text. */
const writeRaw: Write = (out, value) => {
  if (value !== undefined && value !== null) writeText(out, 1, JSON.stringify(value));
};

/** A type whose JSON is one of several has a field for each of them; the boolean beside a schema says true. */
function formWriter(forms: readonly Schema[]): Write {
  const writers = forms.map((form, i) => formStep(form, i + 1)).toReversed();
  return (out, value) => {
    for (const write of writers) write(out, value);
  };
}

function formStep(form: Schema, number: number): Write {
  const write = writerOf(form.kind === "list" ? form.items : form, number);
  if (form.kind === "list") return (out, value) => writeElements(out, value, write);
  if (form.kind === "scalar") return (out, value) => write(out, value !== false);
  return (out, value) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) write(out, value);
  };
}

function mapWriter(values: Schema, number: number): Write {
  const write = writerOf(values, 2);
  const tag = tagOf(number, WIRE_BYTES);
  return (out, value) => {
    if (typeof value !== "object" || value === null) return;
    const keys = Object.keys(value).sort(byBytes);
    for (let i = keys.length - 1; i >= 0; i--) {
      const mark = out.length;
      write(out, (value as Members)[keys[i]!] ?? undefined);
      writeText(out, 1, keys[i]!);
      out.header(tag, mark);
    }
  };
}

/** Go orders texts by their UTF-8 bytes. */
function byBytes(a: string, b: string): number {
  if (isAscii(a) && isAscii(b)) return a < b ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const isAscii = (text: string) => !/[\u0080-\uffff]/.test(text);

function writeText(out: BackwardWriter, number: number, text: string): void {
  const mark = out.length;
  out.string(text);
  out.header(tagOf(number, WIRE_BYTES), mark);
}

function writeNumber(out: BackwardWriter, number: number, value: number): void {
  out.varint(value);
  out.varint(tagOf(number, WIRE_VARINT));
}

function scalarWriter(type: ScalarType, number: number): Write {
  switch (type) {
    case "string":
      return (out, value = "") => writeText(out, number, value as string);
    case "int32":
    case "int64":
      return (out, value = 0) => writeNumber(out, number, value as number);
    case "boolean":
      return (out, value) => writeNumber(out, number, value === true ? 1 : 0);
    case "double":
      return (out, value = 0) => {
        out.double(value as number);
        out.varint(tagOf(number, WIRE_FIXED64));
      };
    case "bytes":
      return message(number, (out, value = "") => out.bytes(Buffer.from(value as string, "base64")));
    case "quantity":
      return message(number, (out, value = "0") => writeText(out, 1, String(value)));
    case "intOrString":
      return message(number, writeIntOrString);
    case "time":
      return message(number, (out, value) => writeTime(out, value, 0));
    case "microTime":
      return message(number, (out, value) => writeTime(out, value, microsOf(value)));
    case "duration":
      return message(number, (out, value) => writeNumber(out, 1, value === undefined ? 0 : parseDuration(value as string)));
  }
}

const writeIntOrString: Write = (out, value = 0) => {
  const isText = typeof value === "string";
  writeText(out, 3, isText ? value : "");
  writeNumber(out, 2, isText ? 0 : (value as number));
  writeNumber(out, 1, isText ? 1 : 0);
};

/** The zero time is an empty message. */
function writeTime(out: BackwardWriter, value: unknown, micros: number): void {
  if (value === undefined) return;
  writeNumber(out, 2, micros * 1000);
  writeNumber(out, 1, Math.floor(Date.parse(value as string) / 1000));
}

/** Of `…:05.000006Z`. */
function microsOf(value: unknown): number {
  const fraction = typeof value === "string" ? /\.(\d{1,9})/.exec(value)?.[1] : undefined;
  return fraction === undefined ? 0 : Number(fraction.padEnd(6, "0").slice(0, 6));
}
