import { codePointLength } from "./source.ts";
import { durationText, timestampText } from "./times.ts";
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, DYN, ERROR, INT, listOf, mapOf, NULL, optionalOf, STRING, TIMESTAMP, TYPE, UINT } from "./types.ts";
import { Duration, Failure, ListValue, MapValue, Optional, Timestamp, TypeValue, Uint, type Value } from "./values.ts";

const LIST = listOf(DYN);
const MAP = mapOf(DYN, DYN);
const OPTIONAL = optionalOf(DYN);

/** The type of a value, without what is in it: a list is a list of anything. */
export function typeOfValue(value: Value): CelType {
  switch (typeof value) {
    case "bigint":
      return INT;
    case "number":
      return DOUBLE;
    case "string":
      return STRING;
    case "boolean":
      return BOOL;
    default:
      return typeOfObject(value);
  }
}

function typeOfObject(value: Exclude<Value, bigint | number | string | boolean>): CelType {
  if (value === null) return NULL;
  if (value instanceof ListValue) return LIST;
  if (value instanceof MapValue) return MAP;
  if (value instanceof Uint) return UINT;
  if (value instanceof Uint8Array) return BYTES;
  if (value instanceof Timestamp) return TIMESTAMP;
  if (value instanceof Duration) return DURATION;
  if (value instanceof TypeValue) return TYPE;
  if (value instanceof Optional) return OPTIONAL;
  return value instanceof Failure ? ERROR : value.type;
}

/** As `size()` counts; undefined for what has no size. */
export function sizeOf(value: Value): number | undefined {
  if (typeof value === "string") return codePointLength(value);
  if (value instanceof ListValue || value instanceof MapValue) return value.size;
  return value instanceof Uint8Array ? value.length : undefined;
}

/** A value as error messages show it: the way Go prints it. */
export function printValue(value: Value): string {
  if (typeof value === "bigint" || typeof value === "boolean" || typeof value === "string") return String(value);
  if (typeof value === "number") return printDouble(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value.nanos);
  if (value instanceof Optional) return value.value === undefined ? "optional.none()" : `optional(${printValue(value.value)})`;
  return formatValue(value);
}

/** A double as Go's `%v` prints it: with an exponent from a million on. */
export function printDouble(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const exponent = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -4 && exponent < 6) return plainDouble(value);
  return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

/** Without an exponent, with as few digits as tell it from its neighbours. */
function plainDouble(value: number): string {
  if (Object.is(value, -0)) return "-0";
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = "", first = "", rest = "", power = ""] = match;
  const exponent = Number(power);
  const digits = first + rest;
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, "0");
}

/** A value as an expression that makes it. */
export function formatValue(value: Value): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return formatDouble(value);
  if (value instanceof Uint) return `${value.value}u`;
  if (value instanceof Uint8Array) return `b"${[...value].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}"`;
  if (value instanceof ListValue) return `[${[...value].map(formatValue).join(", ")}]`;
  if (value instanceof MapValue) return formatMap(value);
  if (value instanceof Timestamp) return `timestamp("${timestampText(new Timestamp(value.nanos))}")`;
  if (value instanceof Duration) return `duration("${durationText(value.nanos)}")`;
  if (value instanceof Optional) return value.value === undefined ? "optional.none()" : `optional.of(${formatValue(value.value)})`;
  if (value instanceof TypeValue) return value.type.name;
  if (value instanceof Failure) return value.message;
  return typeof value === "object" && value !== null ? formatObject(value) : String(value);
}

function formatObject(value: object): string {
  return String(value);
}

function formatMap(map: MapValue): string {
  const entries = [...map.keys()].map((key): [string, string] => [formatValue(key), formatValue(map.get(key) ?? null)]);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, value]) => `${key}: ${value}`).join(", ")}}`;
}

function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'double("NaN")';
  if (!Number.isFinite(value)) return value > 0 ? 'double("Infinity")' : 'double("-Infinity")';
  const text = plainDouble(value);
  return text.includes(".") ? text : `${text}.0`;
}
