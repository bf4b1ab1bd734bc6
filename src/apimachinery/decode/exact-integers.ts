import type { JsonNotes } from "./json.ts";
import { isObject, type JsonObject, setOwn } from "./own.ts";

const MAX_INT64 = 2n ** 63n - 1n;
/** Text without such a run holds no integer that a double would lose. */
const MANY_DIGITS = /\d{16}/;
const INTEGER = /^-?\d+$/;

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

// Whoever writes an object as JSON, be it for the store, a client, or a webhook, writes these as the numbers that they are.
// oxlint-disable-next-line no-extend-native
Object.defineProperty(BigInt.prototype, "toJSON", {
  configurable: true,
  writable: true,
  value(this: bigint): unknown {
    return rawJSON(this.toString());
  },
});

/** An integer of 64 bits that a double does not hold for sure; `undefined` for all other literals. */
export function exactInteger(literal: string): bigint | undefined {
  if (!INTEGER.test(literal) || Number.isSafeInteger(Number(literal))) return undefined;
  const value = BigInt(literal);
  return value >= -MAX_INT64 - 1n && value <= MAX_INT64 ? value : undefined;
}

/** Whether a text may hold integers that a double would lose. */
export const mayLoseIntegers = (text: string): boolean => MANY_DIGITS.test(text);

/** Puts bigints in the place of what a parser has lost, in `value` itself. */
export function withExactIntegers(value: unknown, notes: Pick<JsonNotes, "literals"> | undefined): unknown {
  if (notes === undefined || typeof value !== "object" || value === null) return value;
  for (const [name, literal] of notes.literals.get(value) ?? []) {
    const exact = exactInteger(literal);
    if (exact !== undefined) setOwn(value as JsonObject, name, exact);
  }
  for (const member of Object.values(value)) withExactIntegers(member, notes);
  return value;
}

/** JSON whose integers of 64 bits are bigints where numbers would lose digits. */
export function parseExactly(text: string): unknown {
  if (!mayLoseIntegers(text)) return JSON.parse(text);
  const reviver = (_: string, value: unknown, { source = "" }: { source?: string } = {}) =>
    typeof value === "number" ? (exactInteger(source) ?? value) : value;
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

/** Numbers for bigints that are none of these; the literals of the others are noted. */
export function noteExactIntegers(value: unknown, literals: WeakMap<object, Map<string, string>>): unknown {
  if (typeof value === "bigint") return Number(value);
  if (!Array.isArray(value) && !isObject(value)) return value;
  const holder = value as JsonObject;
  for (const [name, member] of Object.entries(holder)) {
    if (typeof member === "bigint") {
      if (exactInteger(String(member)) !== undefined) literals.set(holder, (literals.get(holder) ?? new Map<string, string>()).set(name, String(member)));
      setOwn(holder, name, Number(member));
    } else noteExactIntegers(member, literals);
  }
  return value;
}
