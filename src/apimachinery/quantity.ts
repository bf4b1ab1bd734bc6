/** How a quantity is printed: `Mi`, `M` or `e6`. */
export type QuantityFormat = "BinarySI" | "DecimalSI" | "DecimalExponent";

/** An exact number with the notation it came in: `digits` × 10^`exponent`. Immutable. */
export interface Quantity {
  readonly digits: bigint;
  readonly exponent: number;
  readonly format: QuantityFormat;
  /** Printed as it came, as upstream does with most texts that need no other form. */
  readonly text?: string | undefined;
}

export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const DECIMAL_SUFFIXES: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY_SUFFIXES: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const DECIMAL_NAMES = new Map(Object.entries(DECIMAL_SUFFIXES).map(([name, exponent]) => [exponent, name]));
const BINARY_NAMES = new Map([["", 0] as const, ...Object.entries(BINARY_SUFFIXES)].map(([name, exponent]) => [exponent, name]));
const NANO = -9;
const MAX_INT64 = 2n ** 63n - 1n;
/** Digits that upstream's int64 path takes before it turns to big decimals. */
const MAX_INT64_FACTORS = 18;
/** Ours: upstream takes any exponent, but numbers of a million digits are of use to attackers only. */
const MAX_EXPONENT = 1_000;

const KEPT = 4_096;
const parsed = new Map<string, Quantity>();

export const ZERO_QUANTITY: Quantity = { digits: 0n, exponent: 0, format: "DecimalSI" };

/**
 * @param text for example `100m`, `1.5Gi`, `2e3`
 * @throws {QuantityError} with upstream's text
 * @see apimachinery pkg/api/resource/quantity.go ParseQuantity
 */
export function parseQuantity(text: string): Quantity {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const quantity = parseFresh(text.trim());
  if (parsed.size >= KEPT) parsed.clear();
  parsed.set(text, quantity);
  return quantity;
}

/** The text that upstream would answer for one that a client sent. */
export function canonicalQuantity(text: string): string {
  return formatQuantity(parseQuantity(text));
}

export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    return false;
  }
}

interface Parts {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
  readonly suffix: string;
}

const FORM = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/;

function parseFresh(text: string): Quantity {
  if (text === "0") return { ...ZERO_QUANTITY, text };
  const match = FORM.exec(text);
  if (match === null || text === "") throw new QuantityError(FORMAT_WRONG);
  const [, sign, whole = "", fraction = "", suffix = ""] = match;
  const parts: Parts = { negative: sign === "-", whole: whole || "0", fraction, suffix };
  const { format, exponent } = interpretSuffix(suffix);
  return smallQuantity(text, parts, format, exponent) ?? bigQuantity(parts, format, exponent);
}

function interpretSuffix(suffix: string): { format: QuantityFormat; exponent: number } {
  if (Object.hasOwn(DECIMAL_SUFFIXES, suffix)) return { format: "DecimalSI", exponent: DECIMAL_SUFFIXES[suffix]! };
  if (Object.hasOwn(BINARY_SUFFIXES, suffix)) return { format: "BinarySI", exponent: BINARY_SUFFIXES[suffix]! };
  const exponent = /^[eE][-+]?[0-9]+$/.test(suffix) ? Number(suffix.slice(1)) : Number.NaN;
  if (Math.abs(exponent) <= MAX_EXPONENT) return { format: "DecimalExponent", exponent };
  throw new QuantityError("unable to parse quantity's suffix");
}

/** What fits upstream's int64 path; there a text without superfluous zeros is kept as it came. */
function smallQuantity(text: string, { negative, whole, fraction, suffix }: Parts, format: QuantityFormat, exponent: number): Quantity | undefined {
  const digits = whole + fraction;
  const binary = format === "BinarySI";
  if (binary && fraction !== "") return undefined;
  const room = binary ? 15 - whole.length - Math.trunc((exponent * 3) / 10) - 1 : MAX_INT64_FACTORS - digits.length;
  const scale = (binary ? 0 : exponent) - fraction.length;
  if (room < 0 || scale < NANO) return undefined;
  const value = BigInt(digits);
  const scaled = binary ? value << BigInt(exponent) : value;
  if (scaled > MAX_INT64) return undefined;
  const plain = binary ? suffix !== "" && value % 8n !== 0n : scale % 3 === 0 && !digits.endsWith("000") && digits[0] !== "0";
  return { digits: negative ? -scaled : scaled, exponent: scale, format, ...(plain && { text }) };
}

function bigQuantity({ negative, whole, fraction }: Parts, format: QuantityFormat, exponent: number): Quantity {
  const binary = format === "BinarySI";
  let digits = BigInt(whole + fraction);
  if (binary) digits <<= BigInt(exponent);
  let rounded = roundedUp({ digits, exponent: (binary ? 0 : exponent) - fraction.length, format }, NANO);
  if (binary && compareQuantities(rounded, { digits: MAX_INT64, exponent: 0, format }) > 0) rounded = { digits: MAX_INT64, exponent: 0, format };
  const belowOne = binary && rounded.digits > 0n && compareQuantities(rounded, { digits: 1n, exponent: 0, format }) < 0;
  return { ...rounded, digits: negative ? -rounded.digits : rounded.digits, format: belowOne ? "DecimalSI" : format };
}

/** The quantity as upstream writes it: the largest suffix that needs no fraction, in the notation it came in. */
export function formatQuantity(quantity: Quantity): string {
  if (quantity.text !== undefined) return quantity.text;
  if (quantity.digits === 0n) return "0";
  if (quantity.format === "BinarySI" && Math.abs(toNumber(quantity)) >= 1024) {
    const value = quantityAt(quantity, 0);
    if (value !== undefined) return binaryText(value);
  }
  return decimalText(quantity);
}

function binaryText(value: bigint): string {
  let exponent = 0;
  while (value % 1024n === 0n) {
    value /= 1024n;
    exponent += 10;
  }
  return `${value}${BINARY_NAMES.get(exponent) ?? ""}`;
}

function decimalText({ digits, exponent, format }: Quantity): string {
  while (digits % 10n === 0n) {
    digits /= 10n;
    exponent++;
  }
  for (; exponent % 3 !== 0; exponent--) digits *= 10n;
  const scientific = format === "DecimalExponent";
  const suffix = scientific ? (exponent === 0 ? "" : `e${exponent}`) : (DECIMAL_NAMES.get(exponent) ?? "");
  return `${digits}${suffix}`;
}

/** @returns negative when `a` < `b`, 0 when they are equal in value, positive when `a` > `b` */
export function compareQuantities(a: Quantity, b: Quantity): number {
  if (signOf(a) !== signOf(b)) return signOf(a) - signOf(b);
  const exponent = Math.min(a.exponent, b.exponent);
  const x = digitsAt(a, exponent);
  const y = digitsAt(b, exponent);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The sum; a zero `a` takes on the notation of `b`. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  const exponent = Math.min(a.exponent, b.exponent);
  return { digits: digitsAt(a, exponent) + digitsAt(b, exponent), exponent, format: a.digits === 0n ? b.format : a.format };
}

export function quantityOf(value: number | bigint, format: QuantityFormat = "DecimalSI", exponent = 0): Quantity {
  return { digits: BigInt(value), exponent, format };
}

export function signOf({ digits }: Quantity): -1 | 0 | 1 {
  return digits < 0n ? -1 : digits > 0n ? 1 : 0;
}

/** The whole units, rounded away from zero: bytes of memory, a count. Exact up to 2^53. */
export function wholeValue(quantity: Quantity | string): number {
  return scaledValue(typeof quantity === "string" ? parseQuantity(quantity) : quantity, 0);
}

/** The thousandths, rounded away from zero: millicores. Exact up to 2^53. */
export function milliValue(quantity: Quantity | string): number {
  return scaledValue(typeof quantity === "string" ? parseQuantity(quantity) : quantity, -3);
}

/** The value as a float; not exact. */
export function toNumber({ digits, exponent }: Quantity): number {
  return exponent < 0 ? Number(digits) / 10 ** -exponent : Number(digits) * 10 ** exponent;
}

function scaledValue(quantity: Quantity, scale: number): number {
  return Number(digitsAt(roundedUp(quantity, scale), scale));
}

/** The digits at an exponent that is not above the quantity's. */
function digitsAt({ digits, exponent }: Quantity, at: number): bigint {
  return exponent === at ? digits : digits * 10n ** BigInt(exponent - at);
}

/** The digits at any exponent, `undefined` when they would need a fraction. */
function quantityAt(quantity: Quantity, at: number): bigint | undefined {
  if (quantity.exponent >= at) return digitsAt(quantity, at);
  const divisor = 10n ** BigInt(at - quantity.exponent);
  return quantity.digits % divisor === 0n ? quantity.digits / divisor : undefined;
}

function roundedUp(quantity: Quantity, exponent: number): Quantity {
  if (quantity.exponent >= exponent) return quantity;
  const divisor = 10n ** BigInt(exponent - quantity.exponent);
  const { digits, format } = quantity;
  const whole = digits / divisor;
  const rest = digits % divisor;
  return { digits: rest === 0n ? whole : whole + (digits < 0n ? -1n : 1n), exponent, format };
}
