import { isDuration, isTimestamp } from "./times.ts";
import { Duration, Failure, ListValue, MAX_INT, MAX_UINT, MIN_INT, NO_SUCH_OVERLOAD, Timestamp, Uint, type Value } from "./values.ts";

const INT_OVERFLOW = new Failure("integer overflow");
const UINT_OVERFLOW = new Failure("unsigned integer overflow");
const TIMESTAMP_OVERFLOW = new Failure("timestamp overflow");
const DIVIDE_BY_ZERO = new Failure("division by zero");
const MODULUS_BY_ZERO = new Failure("modulus by zero");

export function int(value: bigint): Value {
  return value < MIN_INT || value > MAX_INT ? INT_OVERFLOW : value;
}

export function uint(value: bigint): Value {
  return value < 0n || value > MAX_UINT ? UINT_OVERFLOW : new Uint(value);
}

export function duration(nanos: bigint): Value {
  return isDuration(nanos) ? new Duration(nanos) : INT_OVERFLOW;
}

export function timestamp(nanos: bigint, offsetMinutes = 0): Value {
  return isTimestamp(nanos) ? new Timestamp(nanos, offsetMinutes) : TIMESTAMP_OVERFLOW;
}

export function add(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") return int(a + b);
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (typeof a === "string" && typeof b === "string") return a + b;
  if (a instanceof ListValue && b instanceof ListValue) return a.concat(b);
  if (a instanceof Uint && b instanceof Uint) return uint(a.value + b.value);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return new Uint8Array(Buffer.concat([a, b]));
  return addTimes(a, b);
}

function addTimes(a: Value, b: Value): Value {
  if (a instanceof Duration && b instanceof Duration) return duration(a.nanos + b.nanos);
  if (a instanceof Duration && b instanceof Timestamp) return timestamp(a.nanos + b.nanos, b.offsetMinutes);
  if (a instanceof Timestamp && b instanceof Duration) return timestamp(a.nanos + b.nanos, a.offsetMinutes);
  return NO_SUCH_OVERLOAD;
}

export function subtract(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") return int(a - b);
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a instanceof Uint && b instanceof Uint) return uint(a.value - b.value);
  if (a instanceof Duration && b instanceof Duration) return duration(a.nanos - b.nanos);
  if (a instanceof Timestamp && b instanceof Timestamp) return duration(a.nanos - b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return timestamp(a.nanos - b.nanos, a.offsetMinutes);
  return NO_SUCH_OVERLOAD;
}

export function multiply(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") return int(a * b);
  if (typeof a === "number" && typeof b === "number") return a * b;
  return a instanceof Uint && b instanceof Uint ? uint(a.value * b.value) : NO_SUCH_OVERLOAD;
}

export function divide(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a / b;
  if (typeof a === "bigint" && typeof b === "bigint") return b === 0n ? DIVIDE_BY_ZERO : int(a / b);
  if (a instanceof Uint && b instanceof Uint) return b.value === 0n ? DIVIDE_BY_ZERO : uint(a.value / b.value);
  return NO_SUCH_OVERLOAD;
}

export function modulo(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") {
    if (b === 0n) return MODULUS_BY_ZERO;
    return a === MIN_INT && b === -1n ? INT_OVERFLOW : a % b;
  }
  if (a instanceof Uint && b instanceof Uint) return b.value === 0n ? MODULUS_BY_ZERO : uint(a.value % b.value);
  return NO_SUCH_OVERLOAD;
}

export function negate(a: Value): Value {
  if (typeof a === "bigint") return int(-a);
  if (typeof a === "number") return -a;
  return a instanceof Duration ? duration(-a.nanos) : NO_SUCH_OVERLOAD;
}
