import { toText } from "../convert.ts";
import { printValue, typeOfValue } from "../inspect.ts";
import { Duration, Failure, ListValue, MapValue, Timestamp, TypeValue, Uint, type Value } from "../values.ts";

const DEFAULT_PRECISION = 6;
const CLAUSE = /^(?:\.(\d*))?([^])/;

/** How one clause of a format takes its argument. */
type Formatter = (value: Value, precision: number) => string | Failure;

/** What each clause is for: kinds of types that it takes, and what it says of others. */
export const CLAUSES: Readonly<Record<string, { readonly format: Formatter; readonly kinds: readonly string[]; readonly refusal: string }>> = {
  s: {
    format: formatText,
    kinds: ["list", "map", "int", "uint", "double", "bool", "string", "timestamp", "bytes", "duration", "type", "null"],
    refusal: "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
  },
  d: { format: inBase(10), kinds: ["int", "uint"], refusal: "decimal clause can only be used on integers" },
  f: { format: asDouble(grouped), kinds: ["double", "string"], refusal: "fixed-point clause can only be used on doubles" },
  e: { format: asDouble(scientific), kinds: ["double", "string"], refusal: "scientific clause can only be used on doubles" },
  b: { format: binary, kinds: ["int", "uint", "bool"], refusal: "only integers and bools can be formatted as binary" },
  x: { format: hex, kinds: ["int", "uint", "string", "bytes"], refusal: "only integers, byte buffers, and strings can be formatted as hex" },
  X: { format: upperHex, kinds: ["int", "uint", "string", "bytes"], refusal: "only integers, byte buffers, and strings can be formatted as hex" },
  o: { format: inBase(8), kinds: ["int", "uint"], refusal: "octal clause can only be used on integers" },
};

/** A piece of a format: text, or a clause. */
export type Piece = { readonly text: string } | { readonly clause: string; readonly precision: number };

/** @returns the pieces, up to one that is none: a `Failure`, told when its argument has been taken */
export function parseFormat(format: string): (Piece | Failure)[] {
  const pieces: (Piece | Failure)[] = [];
  let rest = format;
  while (rest !== "") {
    const at = rest.indexOf("%");
    if (at !== 0) {
      pieces.push({ text: at === -1 ? rest : rest.slice(0, at) });
      rest = at === -1 ? "" : rest.slice(at);
      continue;
    }
    if (rest.startsWith("%%")) {
      pieces.push({ text: "%" });
      rest = rest.slice(2);
      continue;
    }
    const match = CLAUSE.exec(rest.slice(1));
    const piece = match === null ? new Failure("unexpected end of string") : clauseOf(match[1], match[2]!);
    pieces.push(piece);
    if (piece instanceof Failure) return pieces;
    rest = rest.slice(1 + match![0].length);
  }
  return pieces;
}

function clauseOf(precision: string | undefined, clause: string): Piece | Failure {
  if (!Object.hasOwn(CLAUSES, clause)) return new Failure(`could not parse formatting clause: unrecognized formatting clause "${clause}"`);
  return { clause, precision: precision === undefined ? DEFAULT_PRECISION : Number(precision) };
}

/** `"...".format([...])`. */
export function formatString(format: string, args: ListValue): Value {
  let text = "";
  let index = 0;
  for (const piece of parseFormat(format)) {
    if ("text" in piece) {
      text += piece.text;
      continue;
    }
    if (index >= args.size) return new Failure(`index ${index} out of range`);
    if (piece instanceof Failure) return piece;
    const part = CLAUSES[piece.clause]!.format(args.get(index++), piece.precision);
    if (part instanceof Failure) return new Failure(`error during formatting: ${part.message}`);
    text += part;
  }
  return text;
}

function refused(clause: string, value: Value): Failure {
  return new Failure(`${CLAUSES[clause]!.refusal}, was given ${typeOfValue(value).name}`);
}

function formatText(value: Value): string | Failure {
  if (value instanceof ListValue || value instanceof MapValue) return formatNested(value);
  if (value === null) return "null";
  if (value instanceof TypeValue) return value.type.name;
  const text = toText(value);
  return typeof text === "string" ? text : refused("s", value);
}

/** A value within a list or a map: as it would be written. */
function formatNested(value: Value): string | Failure {
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof Uint8Array) return `b${JSON.stringify(toText(value))}`;
  if (typeof value === "number") return Number.isFinite(value) ? value.toFixed(DEFAULT_PRECISION) : `"${special(value, "+Inf")}"`;
  if (value instanceof Timestamp) return `timestamp("${String(toText(value))}")`;
  if (value instanceof Duration) return `duration("${String(toText(value))}")`;
  if (value instanceof ListValue) return nestedList(value);
  if (value instanceof MapValue) return nestedMap(value);
  const text = formatText(value);
  return text instanceof Failure ? new Failure(`no formatting function for ${typeOfValue(value).name}`) : text;
}

function nestedList(list: ListValue): string | Failure {
  const parts: string[] = [];
  for (const item of list) {
    const part = formatNested(item);
    if (part instanceof Failure) return part;
    parts.push(part);
  }
  return `[${parts.join(", ")}]`;
}

function nestedMap(map: MapValue): string | Failure {
  const entries: [string, string][] = [];
  for (const key of map.keys()) {
    if (typeof key === "number") return new Failure("no formatting function for map key of type double");
    const name = formatNested(key);
    const found = map.get(key);
    const value = formatNested(found === undefined ? new Failure(`no such key: ${printValue(key)}`) : found);
    if (name instanceof Failure) return name;
    if (value instanceof Failure) return value;
    entries.push([name, value]);
  }
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([name, value]) => `${name}:${value}`).join(", ")}}`;
}

function inBase(base: 8 | 10): Formatter {
  return (value) => {
    if (typeof value === "bigint") return value.toString(base);
    return value instanceof Uint ? value.value.toString(base) : refused(base === 8 ? "o" : "d", value);
  };
}

function binary(value: Value): string | Failure {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "bigint") return value.toString(2);
  return value instanceof Uint ? value.value.toString(2) : refused("b", value);
}

function hex(value: Value): string | Failure {
  if (typeof value === "bigint") return value.toString(16);
  if (value instanceof Uint) return value.value.toString(16);
  if (typeof value === "string") return Buffer.from(value).toString("hex");
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : refused("x", value);
}

function upperHex(value: Value): string | Failure {
  const text = hex(value);
  return text instanceof Failure ? text : text.toUpperCase();
}

function special(value: number, infinity: string): string {
  return Number.isNaN(value) ? "NaN" : value > 0 ? infinity : infinity.replace(/^\+?/, "-");
}

function asDouble(print: (value: number, precision: number) => string): Formatter {
  return (value, precision) => {
    if (value === "NaN" || value === "Infinity" || value === "-Infinity") return print(Number(value), precision);
    return typeof value === "number" ? print(value, precision) : refused(print === grouped ? "f" : "e", value);
  };
}

/** With commas between thousands, as the English locale has it. */
function grouped(value: number, precision: number): string {
  if (!Number.isFinite(value)) return special(value, "∞");
  const [whole = "", fraction] = value.toFixed(Math.min(precision, 100)).split(".");
  const separated = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
  return fraction === undefined ? separated : `${separated}.${fraction}`;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** `1.500000×10⁰³`. What the clause calls its precision is a width, as it is upstream. */
function scientific(value: number, width: number): string {
  if (!Number.isFinite(value)) return special(value, "∞");
  const [digits = "", exponent = ""] = value.toExponential(DEFAULT_PRECISION).split("e");
  const power = exponent
    .replace(/^[+-]/, "")
    .padStart(2, "0")
    .replaceAll(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)]!);
  return `${digits}×10${exponent.startsWith("-") ? "⁻" : ""}${power}`.padStart(width);
}
