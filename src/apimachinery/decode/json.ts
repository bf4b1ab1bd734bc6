import { DecodeError } from "./decode-error.ts";
import { isObject } from "./own.ts";
import { readJson } from "./json-reader.ts";

/** As encoding/json limits it. */
export const MAX_DEPTH = 10_000;

/** Deeper values are taken as the native parser gives them: our own reader recurses. */
const MAX_READER_DEPTH = 1_000;

/** Integers of more digits may lose some of them as numbers. */
const SAFE_DIGITS = 15;

export interface ParsedJson {
  readonly value: unknown;
  /** Paths of members that came again in their object, in the order of the text: `data.x`, `spec.ports[0].port`. */
  readonly duplicates: readonly string[];
  readonly notes?: JsonNotes | undefined;
}

/** What a parsed value does not show of its text. */
export interface JsonNotes {
  /** For objects with duplicates: all member names in order, repeated ones again. */
  readonly memberOrder: WeakMap<object, readonly string[]>;
  /** For containers of numbers that are not plain short integers: their literals by key or index. */
  readonly literals: WeakMap<object, ReadonlyMap<string, string>>;
}

/**
 * Parses JSON as Go's encoding/json takes it. The native parser does the work; a scan over the text tells whether
 * anything is in it that the native parser would lose, and only then a slower reader runs.
 *
 * @throws {DecodeError} with Go's text
 */
export function parseJson(text: string): ParsedJson {
  const { members, depth, needsReader } = scan(text);
  if (depth > MAX_DEPTH) throw new DecodeError(`invalid character '${text[deepestOpening(text)]}' exceeded max depth`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (depth > MAX_READER_DEPTH) throw new DecodeError("unexpected end of JSON input", { cause });
    readJson(text); // throws the same in Go's words
    throw new DecodeError((cause as Error).message, { cause });
  }
  if (depth > MAX_READER_DEPTH) return { value, duplicates: [] };
  return needsReader || countMembers(value) !== members ? readJson(text) : { value, duplicates: [] };
}

interface Scan {
  /** Colons outside of strings: the members of all objects, duplicates too. */
  members: number;
  depth: number;
  needsReader: boolean;
}

const QUOTE = 34;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;

function scan(text: string): Scan {
  const found: Scan = { members: 0, depth: 0, needsReader: false };
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = endOfString(text, i);
    else if (c === COLON) found.members++;
    else if (c === 123 || c === 91) found.depth = Math.max(found.depth, ++depth);
    else if (c === 125 || c === 93) depth--;
    else if (c >= ZERO && c <= NINE) {
      const end = endOfNumber(text, i);
      if (end - i > SAFE_DIGITS || !isPlainInteger(text, i, end)) found.needsReader = true;
      i = end - 1;
    }
  }
  if (text.includes("\\u") && /\\u[dD][89a-fA-F]/.test(text)) found.needsReader = true; // Go replaces lone surrogates
  return found;
}

/** The index of the quote that ends the string which starts at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === 92) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  let end = start;
  for (; end < text.length; end++) {
    const c = text.charCodeAt(end);
    const inNumber = (c >= ZERO && c <= NINE) || c === DOT || c === 43 || c === 45 || c === 69 || c === 101;
    if (!inNumber) break;
  }
  return end;
}

function isPlainInteger(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c < ZERO || c > NINE) return false;
  }
  return true;
}

function deepestOpening(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = endOfString(text, i);
    else if (c === 125 || c === 93) depth--;
    else if ((c === 123 || c === 91) && ++depth > MAX_DEPTH) return i;
  }
  return 0;
}

function countMembers(value: unknown): number {
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === "object") count += countMembers(item);
  } else if (isObject(value)) {
    for (const key in value) {
      count++;
      const member = value[key];
      if (typeof member === "object") count += countMembers(member);
    }
  }
  return count;
}
