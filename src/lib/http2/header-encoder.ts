import { STATIC } from "./hpack.ts";

const STATIC_NAMES = new Map<string, number>();
for (const [i, { name }] of STATIC.entries()) if (!STATIC_NAMES.has(name)) STATIC_NAMES.set(name, i + 1);
const STATUS_NAME = 8;
const STATUSES = new Map(STATIC.flatMap(({ name, value }, i) => (name === ":status" ? [[Number(value), i + 1] as const] : [])));

export type OutgoingHeaders = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/**
 * Answers' headers as a block that leaves the peer's table alone: what is the same for all streams need not be sent in order.
 *
 * @param room bytes to leave free at the beginning
 */
export function encodeHeaders(status: number, headers: OutgoingHeaders, date: string, room = 0): Buffer {
  const writer = new BlockWriter(status, room);
  if (!("date" in headers)) writer.field("date", date);
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    if (typeof value === "object") for (const each of value) writer.field(name, each);
    else writer.field(name, String(value));
  }
  return writer.block();
}

interface WrittenField {
  readonly name: string;
  readonly value: string;
  /** Where it ends in the block. */
  readonly end: number;
}

/** How the answers of a status begin: mostly all have the same headers but for the last. */
interface Opening {
  readonly statusEnd: number;
  readonly fields: readonly WrittenField[];
  readonly bytes: Uint8Array;
}

const openings = new Map<number, Opening>();
/** A block that has less in common with the one that is known becomes the known one. */
const MIN_ALIKE = 3;

/** One for all blocks: they are written at once. */
let scratch = Buffer.allocUnsafeSlow(4096);

class BlockWriter {
  readonly #status: number;
  readonly #room: number;
  readonly #opening: Opening | undefined;
  /** How many fields are as in the opening; as long as all are, nothing is written. */
  #alike = 0;
  #isAlike: boolean;
  #length = 0;
  /** What is written, for the next opening. */
  #fields: WrittenField[] | undefined;
  #statusEnd = 0;

  constructor(status: number, room: number) {
    this.#status = status;
    this.#room = room;
    this.#opening = openings.get(status);
    this.#isAlike = this.#opening !== undefined;
    if (this.#opening === undefined) this.#begin();
  }

  field(name: string, value: string): void {
    if (this.#isAlike) {
      const known = this.#opening!.fields[this.#alike];
      if (known !== undefined && known.name === name && known.value === value) {
        this.#alike++;
        return;
      }
      this.#leaveOpening();
    }
    const lower = name.toLowerCase();
    this.#literal(STATIC_NAMES.get(lower) ?? 0, lower, value);
    this.#fields?.push({ name, value, end: this.#length });
  }

  block(): Buffer {
    if (this.#isAlike) this.#leaveOpening();
    const block = Buffer.allocUnsafe(this.#room + this.#length);
    scratch.copy(block, this.#room, 0, this.#length);
    if (this.#fields !== undefined) {
      openings.set(this.#status, { statusEnd: this.#statusEnd, fields: this.#fields, bytes: Uint8Array.from(scratch.subarray(0, this.#length)) });
    }
    return block;
  }

  #begin(): void {
    this.#fields = [];
    const known = STATUSES.get(this.#status);
    if (known === undefined) this.#literal(STATUS_NAME, ":status", String(this.#status));
    else this.#integer(0x80, 7, known);
    this.#statusEnd = this.#length;
  }

  /** From here on this block is another. */
  #leaveOpening(): void {
    const { statusEnd, fields, bytes } = this.#opening!;
    this.#isAlike = false;
    this.#length = this.#alike === 0 ? statusEnd : fields[this.#alike - 1]!.end;
    this.#reserve(0);
    scratch.set(bytes.subarray(0, this.#length));
    if (this.#alike >= MIN_ALIKE) return;
    this.#fields = fields.slice(0, this.#alike);
    this.#statusEnd = statusEnd;
  }

  #literal(index: number, name: string, value: string): void {
    this.#reserve(name.length + value.length + 16);
    this.#integer(0, 4, index);
    if (index === 0) this.#string(name);
    this.#string(value);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= scratch.length) return;
    const larger = Buffer.allocUnsafeSlow((this.#length + bytes) * 2);
    scratch.copy(larger, 0, 0, this.#length);
    scratch = larger;
  }

  #integer(first: number, prefixBits: number, value: number): void {
    const mask = (1 << prefixBits) - 1;
    if (value < mask) {
      scratch[this.#length++] = first | value;
      return;
    }
    scratch[this.#length++] = first | mask;
    let rest = value - mask;
    for (; rest >= 128; rest = Math.floor(rest / 128)) scratch[this.#length++] = (rest % 128) | 128;
    scratch[this.#length++] = rest;
  }

  #string(text: string): void {
    this.#integer(0, 7, text.length);
    this.#length += scratch.write(text, this.#length, "latin1");
  }
}
