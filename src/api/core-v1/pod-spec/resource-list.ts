import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from "#apimachinery/quantity.ts";
import type { Mutable } from "#api/strategy.ts";

/** Quantities by resource, as the API has them: `{ cpu: "500m" }`. */
export type ResourceList = Readonly<Record<string, string>>;

/** Sums and maxima of lists while they are computed. */
export type Quantities = Map<string, Quantity>;

const MILLI = -3;
/** What needs no rounding: whole numbers and thousandths, with or without a suffix. */
const COARSE = /^[+-]?\d+(?:m|k|[KMGTPE]i?|)$/;

/** Rounds each quantity up to thousandths, the finest that resources have. */
export function roundResourceList(list: Mutable<ResourceList> | undefined): void {
  for (const name in list) {
    const text = list[name]!;
    if (!COARSE.test(text)) list[name] = roundedToMilli(text);
  }
}

function roundedToMilli(text: string): string {
  const { digits, exponent, format } = parseQuantity(text);
  if (exponent >= MILLI) return text;
  const divisor = 10n ** BigInt(MILLI - exponent);
  const whole = digits / divisor;
  const away = digits % divisor === 0n ? 0n : digits < 0n ? -1n : 1n;
  return formatQuantity({ digits: whole + away, exponent: MILLI, format });
}

export function addResources(sum: Quantities, list: ResourceList | undefined): void {
  for (const name in list) {
    const quantity = parseQuantity(list[name]!);
    const before = sum.get(name);
    sum.set(name, before === undefined ? quantity : addQuantities(before, quantity));
  }
}

/** Raises what is lower in `maximum`. */
export function maxResources(maximum: Quantities, other: Quantities): void {
  for (const [name, quantity] of other) {
    const before = maximum.get(name);
    if (before === undefined || compareQuantities(quantity, before) > 0) maximum.set(name, quantity);
  }
}

export function resourceListOf(quantities: Quantities): ResourceList {
  const list: Record<string, string> = {};
  for (const [name, quantity] of quantities) list[name] = formatQuantity(quantity);
  return list;
}
