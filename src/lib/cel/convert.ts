import { duration, int, timestamp, uint } from "./arithmetic.ts";
import { printDouble, typeOfValue } from "./inspect.ts";
import { durationText, floorDivide, parseDuration, parseTimestamp, timestampText } from "./times.ts";
import { Duration, Failure, MAX_INT, MAX_UINT, MIN_INT, Timestamp, Uint, type Value } from "./values.ts";

type Target = "int" | "uint" | "double" | "string" | "bytes" | "bool" | "google.protobuf.Timestamp" | "google.protobuf.Duration";

function refused(value: Value, target: Target): Failure {
  return new Failure(`type conversion error from '${typeOfValue(value).name}' to '${target}'`);
}

export function toInt(value: Value): Value {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return inRange(value, -(2 ** 63), 2 ** 63) && value > -(2 ** 63) ? BigInt(Math.trunc(value)) : new Failure("integer overflow");
  if (value instanceof Uint) return int(value.value);
  if (value instanceof Timestamp) return floorDivide(value.nanos, 1_000_000_000n);
  if (value instanceof Duration) return value.nanos;
  if (typeof value === "string" && /^[+-]?\d+$/.test(value)) {
    const parsed = BigInt(value.replace(/^\+/, ""));
    if (parsed >= MIN_INT && parsed <= MAX_INT) return parsed;
  }
  return refused(value, "int");
}

function inRange(value: number, least: number, below: number): boolean {
  return value >= least && value < below;
}

export function toUint(value: Value): Value {
  if (value instanceof Uint) return value;
  if (typeof value === "bigint") return uint(value);
  if (typeof value === "number") return inRange(value, 0, 2 ** 64) ? new Uint(BigInt(Math.trunc(value))) : new Failure("unsigned integer overflow");
  if (typeof value === "string" && /^\d+$/.test(value)) {
    const parsed = BigInt(value);
    if (parsed <= MAX_UINT) return new Uint(parsed);
  }
  return refused(value, "uint");
}

const FLOAT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const SPECIAL = /^([+-]?)(?:(inf|infinity)|nan)$/i;

export function toDouble(value: Value): Value {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (typeof value !== "string") return refused(value, "double");
  const special = SPECIAL.exec(value);
  if (special !== null) return special[2] === undefined ? Number.NaN : special[1] === "-" ? -Infinity : Infinity;
  const parsed = FLOAT.test(value) ? Number(value) : Number.NaN;
  return Number.isFinite(parsed) ? parsed : refused(value, "double");
}

export function toText(value: Value): Value {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number") return printDouble(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value.nanos);
  return value instanceof Uint8Array ? decodeText(value) : refused(value, "string");
}

function decodeText(bytes: Uint8Array): Value {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new Failure("invalid UTF-8 in bytes, cannot convert to string");
  }
}

export function toBytes(value: Value): Value {
  if (value instanceof Uint8Array) return value;
  return typeof value === "string" ? new Uint8Array(Buffer.from(value)) : refused(value, "bytes");
}

const TRUE: ReadonlySet<string> = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE: ReadonlySet<string> = new Set(["0", "f", "F", "FALSE", "false", "False"]);

export function toBool(value: Value): Value {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return refused(value, "bool");
  return TRUE.has(value) || (FALSE.has(value) ? false : refused(value, "bool"));
}

export function toTimestamp(value: Value): Value {
  if (value instanceof Timestamp) return value;
  if (typeof value === "bigint") return timestamp(value * 1_000_000_000n);
  const parsed = typeof value === "string" ? parseTimestamp(value) : undefined;
  return parsed === undefined ? refused(value, "google.protobuf.Timestamp") : timestamp(parsed.nanos, parsed.offsetMinutes);
}

export function toDuration(value: Value): Value {
  if (value instanceof Duration) return value;
  if (typeof value === "bigint") return duration(value);
  const parsed = typeof value === "string" ? parseDuration(value) : undefined;
  return parsed === undefined ? refused(value, "google.protobuf.Duration") : new Duration(parsed);
}
