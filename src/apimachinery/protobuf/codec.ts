import { WIRE_BYTES, WIRE_FIXED32, WIRE_FIXED64, WIRE_VARINT, WireReader, WireWriter } from "./wire.ts";

/** A field of a message. `type` is a scalar's name, a message's or an enum's. */
export interface ProtoField {
  /** The property that holds the value. */
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly repeated?: boolean;
  /** Makes the field a map: the type of its keys; `type` is its values'. */
  readonly mapKey?: string;
}

/** What a codec knows of messages. Fields of an enum hold its numbers. */
export interface ProtoTable {
  readonly messages: Readonly<Record<string, { readonly fields: readonly ProtoField[] }>>;
  readonly enums?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/**
 * Encodes by proto3's rules: absent values and defaults are left out, repeated numbers are packed.
 *
 * @throws {RangeError} when the table has no message `name`
 */
export function encodeMessage(table: ProtoTable, name: string, value: object): Uint8Array {
  const writer = new WireWriter();
  for (const field of fieldsOf(table, name)) {
    const held = (value as Record<string, unknown>)[field.name];
    if (held !== undefined && held !== null) writeField(table, writer, field, held);
  }
  return writer.finish();
}

/**
 * Decodes a message: scalars, lists and maps that are absent get proto3's default, absent messages are left out;
 * unknown fields are skipped. 64-bit numbers beyond 2^53 are rounded.
 *
 * @throws {RangeError} for malformed bytes, or when the table has no message `name`
 */
export function decodeMessage<T = Record<string, unknown>>(table: ProtoTable, name: string, bytes: Uint8Array): T {
  const fields = fieldsOf(table, name);
  const value: Record<string, unknown> = {};
  for (const field of fields) {
    const empty = emptyValue(table, field);
    if (empty !== undefined) value[field.name] = empty;
  }
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const tag = reader.uint();
    const number = Math.floor(tag / 8);
    const field = fields.find((candidate) => candidate.number === number);
    if (field === undefined) reader.skip(tag % 8);
    else readField(table, reader, field, tag % 8, value);
  }
  return value as T;
}

function fieldsOf(table: ProtoTable, name: string): readonly ProtoField[] {
  const message = table.messages[name];
  if (message === undefined) throw new RangeError(`no message ${name} in the table`);
  return message.fields;
}

function writeField(table: ProtoTable, writer: WireWriter, field: ProtoField, value: unknown): void {
  if (field.mapKey !== undefined) {
    for (const [key, entry] of Object.entries(value as object)) writeEntry(table, writer, field, key, entry);
  } else if (field.repeated) {
    writeRepeated(table, writer, field, value as readonly unknown[]);
  } else if (isMessage(table, field.type) || !isDefault(value)) {
    writeValue(table, writer, field, value);
  }
}

function writeEntry(table: ProtoTable, writer: WireWriter, field: ProtoField, key: string, value: unknown): void {
  const entry = new WireWriter();
  const keyType = field.mapKey as string;
  writeValue(table, entry, { name: "key", number: 1, type: keyType }, keyType === "string" ? key : Number(key));
  writeValue(table, entry, { name: "value", number: 2, type: field.type }, value);
  writer.tag(field.number, WIRE_BYTES);
  writer.bytes(entry.finish());
}

function writeRepeated(table: ProtoTable, writer: WireWriter, field: ProtoField, values: readonly unknown[]): void {
  if (values.length === 0) return;
  if (wireTypeOf(table, field.type) === WIRE_BYTES) {
    for (const value of values) writeValue(table, writer, field, value);
    return;
  }
  const packed = new WireWriter();
  for (const value of values) writeScalar(packed, field.type, value);
  writer.tag(field.number, WIRE_BYTES);
  writer.bytes(packed.finish());
}

function writeValue(table: ProtoTable, writer: WireWriter, field: ProtoField, value: unknown): void {
  writer.tag(field.number, wireTypeOf(table, field.type));
  if (isMessage(table, field.type)) writer.bytes(encodeMessage(table, field.type, value as object));
  else writeScalar(writer, field.type, value);
}

function writeScalar(writer: WireWriter, type: string, value: unknown): void {
  if (type === "string") writer.string(value as string);
  else if (type === "bytes") writer.bytes(value as Uint8Array);
  else if (type === "double") writer.double(value as number);
  else if (type === "float") writer.float(value as number);
  else writer.varint(Number(value));
}

function readField(table: ProtoTable, reader: WireReader, field: ProtoField, wireType: number, into: Record<string, unknown>): void {
  if (field.mapKey !== undefined) {
    const entryTable: ProtoTable = { ...table, messages: { ...table.messages, [ENTRY]: entryOf(field) } };
    const { key, value } = decodeMessage<{ key: string; value: unknown }>(entryTable, ENTRY, reader.bytes());
    (into[field.name] as Record<string, unknown>)[key] = value ?? {};
  } else if (!field.repeated) {
    into[field.name] = readValue(table, reader, field.type);
  } else if (wireType === WIRE_BYTES && wireTypeOf(table, field.type) !== WIRE_BYTES) {
    const packed = new WireReader(reader.bytes());
    while (!packed.done) (into[field.name] as unknown[]).push(readValue(table, packed, field.type));
  } else {
    (into[field.name] as unknown[]).push(readValue(table, reader, field.type));
  }
}

const ENTRY = "map entry";

const entryOf = (field: ProtoField) => ({
  fields: [
    { name: "key", number: 1, type: field.mapKey as string },
    { name: "value", number: 2, type: field.type },
  ],
});

function readValue(table: ProtoTable, reader: WireReader, type: string): unknown {
  switch (type) {
    case "string":
      return reader.string();
    case "bytes":
      return reader.bytes();
    case "bool":
      return reader.uint() !== 0;
    case "double":
      return reader.double();
    case "float":
      return reader.float();
    case "uint32":
    case "uint64":
      return reader.uint();
    default:
      return isMessage(table, type) ? decodeMessage(table, type, reader.bytes()) : reader.int();
  }
}

const isMessage = (table: ProtoTable, type: string): boolean => Object.hasOwn(table.messages, type);
const isDefault = (value: unknown): boolean => value === 0 || value === "" || value === false || (value instanceof Uint8Array && value.length === 0);

function wireTypeOf(table: ProtoTable, type: string): number {
  if (type === "string" || type === "bytes" || isMessage(table, type)) return WIRE_BYTES;
  if (type === "double") return WIRE_FIXED64;
  if (type === "float") return WIRE_FIXED32;
  return WIRE_VARINT;
}

function emptyValue(table: ProtoTable, field: ProtoField): unknown {
  if (field.mapKey !== undefined) return {};
  if (field.repeated) return [];
  if (field.type === "string") return "";
  if (field.type === "bytes") return new Uint8Array();
  if (field.type === "bool") return false;
  return isMessage(table, field.type) ? undefined : 0;
}
