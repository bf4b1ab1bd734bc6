import { sameType } from "./types.ts";
import {
  Duration,
  Failure,
  ListValue,
  MapValue,
  NO_SUCH_OVERLOAD,
  ObjectValue,
  OpaqueValue,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from "./values.ts";

/** A value that cannot be compared was met on the way. */
class Incomparable extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** What `compute` gives, or why something that it compares cannot be compared. */
export function comparing(compute: () => Value): Value {
  try {
    return compute();
  } catch (error) {
    if (error instanceof Incomparable) return error.failure;
    throw error;
  }
}

/**
 * Equality across types: numbers are equal when they are the same number, and values of different kinds never.
 *
 * @throws where one of their parts is a failure; to be called within `comparing`, as functions are
 */
export function equal(a: Value, b: Value): boolean {
  if (typeof a === "string" || typeof a === "boolean" || a === null) return a === b;
  if (isNumeric(a)) return isNumeric(b) && order(a, b) === 0;
  if (a instanceof Failure) throw new Incomparable(a);
  const same = (a instanceof ListValue || a instanceof MapValue) && a.isTyped ? equalPart : notUnequal;
  if (a instanceof ListValue) return b instanceof ListValue ? a.sameAs(b, same) : otherKind(a, b);
  if (a instanceof MapValue) return b instanceof MapValue ? a.sameAs(b, same) : otherKind(a, b);
  return typeof b === "object" && b !== null && equalObjects(a, b);
}

/** Within what has a type of its own, what has one refuses a null, too. */
function equalPart(a: Value, b: Value): boolean {
  if (b === null && (a instanceof ListValue || a instanceof MapValue) && a.isTyped) throw new Incomparable(NO_SUCH_OVERLOAD);
  return equal(a, b);
}

/** A list that an expression made takes no notice of what cannot be compared. */
function notUnequal(a: Value, b: Value): boolean {
  return comparing(() => equal(a, b)) !== false;
}

function otherKind({ isTyped }: ListValue | MapValue, b: Value): false {
  if (isTyped && b !== null) throw new Incomparable(b instanceof Failure ? b : NO_SUCH_OVERLOAD);
  return false;
}

function equalObjects(a: Value, b: Value): boolean {
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.type.name === b.type.name;
  if (a instanceof Optional) return b instanceof Optional && sameOptional(a.value, b.value);
  if (a instanceof ObjectValue) return b instanceof ObjectValue && sameFields(a, b);
  return a instanceof OpaqueValue && b instanceof OpaqueValue && sameType(a.type, b.type) && a.equals(b);
}

function sameOptional(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return equal(a, b);
}

function sameFields(a: ObjectValue, b: ObjectValue): boolean {
  if (!sameType(a.type, b.type) || a.fields.size !== b.fields.size) return false;
  return [...a.fields].every(([name, value]) => b.fields.has(name) && equal(value, b.fields.get(name)!));
}

function isNumeric(value: Value): value is bigint | number | Uint {
  return typeof value === "bigint" || typeof value === "number" || value instanceof Uint;
}

/** -1, 0 or 1; NaN where one of them is NaN. */
function order(a: bigint | number | Uint, b: bigint | number | Uint): number {
  const left = a instanceof Uint ? a.value : a;
  const right = b instanceof Uint ? b.value : b;
  if (Number.isNaN(left) || Number.isNaN(right)) return Number.NaN;
  // An integer is compared with a double as a double, which is how upstream does it.
  if (typeof left === "bigint" && typeof right === "number") return orderBigWithDouble(left, right);
  if (typeof left === "number" && typeof right === "bigint") return -orderBigWithDouble(right, left);
  return left < right ? -1 : left > right ? 1 : 0;
}

function orderBigWithDouble(a: bigint, b: number): number {
  const left = Number(a);
  return left < b ? -1 : left > b ? 1 : 0;
}

/** How `a` stands to `b`, where they have an order. */
export function compare(a: Value, b: Value): number | Failure {
  if (a instanceof Failure) return a;
  if (b instanceof Failure) return b;
  if (isNumeric(a) && isNumeric(b)) {
    const result = order(a, b);
    return Number.isNaN(result) ? new Failure("NaN values cannot be ordered") : result;
  }
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration)) {
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
  }
  return NO_SUCH_OVERLOAD;
}

/** By code points, which is the order of their UTF-8 bytes. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) < rank(right) ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

/** Surrogates stand for code points beyond all others. */
function rank(unit: number): number {
  return unit >= 0xd8_00 && unit < 0xe0_00 ? unit + 0x1_00_00 : unit;
}
