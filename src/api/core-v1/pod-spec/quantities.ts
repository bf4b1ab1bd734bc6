import { canonicalQuantity, compareQuantities as compare, parseQuantity, QuantityError, signOf } from "#apimachinery/quantity.ts";

/** Questions about quantities as the API writes them. */

export function compareQuantities(a: string, b: string): number {
  return a === b ? 0 : compare(parseQuantity(a), parseQuantity(b));
}

export function isNegative(text: string): boolean {
  return text.startsWith("-") && signOf(parseQuantity(text)) < 0;
}

export function isPositive(text: string): boolean {
  return signOf(parseQuantity(text)) > 0;
}

export function isZero(text: string): boolean {
  return signOf(parseQuantity(text)) === 0;
}

const WHOLE = /^\d+$/;

/** Whether there is no fraction left when counted in thousandths. */
export function isInteger(text: string): boolean {
  if (WHOLE.test(text)) return true;
  const { digits, exponent } = parseQuantity(text);
  if (exponent >= 0) return true;
  return digits % 10n ** BigInt(-exponent) === 0n;
}

/** The whole units, rounded away from zero; `undefined` when it is no quantity. */
export function wholeUnits(text: string): bigint | undefined {
  try {
    const { digits, exponent } = parseQuantity(text);
    if (exponent >= 0) return digits * 10n ** BigInt(exponent);
    const divisor = 10n ** BigInt(-exponent);
    const rest = digits % divisor;
    return digits / divisor + (rest === 0n ? 0n : rest < 0n ? -1n : 1n);
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

export const quantityText = canonicalQuantity;
