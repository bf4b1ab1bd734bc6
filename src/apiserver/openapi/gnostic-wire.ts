/** What the messages of google/gnostic-models have in common, of OpenAPI v2 and v3. */

export type Json = Readonly<Record<string, unknown>>;
/** Writes a field of a message: a repeated one for each of its values. */
export type WriteField = (field: number, value: never) => Uint8Array;
/** How the members of a JSON object are written, by their names; `x-` stands for all that begin so. */
export type MessageFields = Readonly<Record<string, readonly [field: number, write: WriteField]>>;

const VARINT = 0;
const DOUBLE = 1;
const BYTES = 2;

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A field with a message in it. */
export function part(field: number, ...pieces: readonly Uint8Array[]): Buffer {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return Buffer.concat([varint(field * 8 + BYTES), varint(length), ...pieces]);
}

export const text: WriteField = (field: number, value: string): Buffer => part(field, Buffer.from(value));

/** proto3 leaves zeros out. */
export const flag: WriteField = (field: number, value: boolean): Buffer => (value ? Buffer.concat([varint(field * 8 + VARINT), varint(1)]) : Buffer.alloc(0));

export const integer: WriteField = (field: number, value: number): Buffer =>
  value > 0 ? Buffer.concat([varint(field * 8 + VARINT), varint(value)]) : Buffer.alloc(0);

export const double: WriteField = (field: number, value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(field * 8 + DOUBLE), bytes]);
};

/** Any value, as YAML; JSON is that too. */
export const any: WriteField = (field: number, value: unknown): Buffer => part(field, text(2, JSON.stringify(value) as never));

export const each =
  (write: WriteField): WriteField =>
  (field: number, values: readonly never[]) =>
    Buffer.concat(values.map((value) => write(field, value)));

/** A map: each entry is a message with a name and a value. */
export const named =
  (write: (value: never) => Uint8Array): WriteField =>
  (field: number, values: Readonly<Record<string, never>>) =>
    Buffer.concat(Object.entries(values).map(([name, value]) => part(field, text(1, name as never), part(2, write(value)))));

/** A message whose fields stand in a table; what it does not name is left out. */
export function message(value: Json, fields: MessageFields): Buffer {
  const pieces: Uint8Array[] = [];
  for (const [name, given] of Object.entries(value)) {
    const isExtension = name.startsWith("x-");
    const [field, write] = fields[isExtension ? "x-" : name] ?? [];
    if (field === undefined || write === undefined || given === undefined) continue;
    pieces.push(isExtension ? part(field, text(1, name as never), write(2, given as never)) : write(field, given as never));
  }
  return Buffer.concat(pieces);
}
