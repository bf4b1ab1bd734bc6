import { addQuantities, compareQuantities, parseQuantity, type Quantity, signOf, ZERO_QUANTITY } from "#apimachinery/quantity.ts";

import { addResources, type Quantities, type ResourceList } from "../pod-spec/resource-list.ts";

/** The list as numbers. */
export function amountsOf(list: ResourceList | undefined): Quantities {
  const amounts: Quantities = new Map();
  addResources(amounts, list);
  return amounts;
}

export function sumOf(a: Quantities, b: Quantities): Quantities {
  const sum: Quantities = new Map(a);
  for (const [name, amount] of b) {
    const before = sum.get(name);
    sum.set(name, before === undefined ? amount : addQuantities(before, amount));
  }
  return sum;
}

/** By how much `next` is more than `before`, resource by resource; what shrinks counts as nothing. */
export function growthOf(next: Quantities, before: Quantities): Quantities {
  const growth: Quantities = new Map();
  for (const [name, amount] of next) {
    const difference = addQuantities(amount, negativeOf(before.get(name) ?? ZERO_QUANTITY));
    growth.set(name, signOf(difference) > 0 ? difference : ZERO_QUANTITY);
  }
  return growth;
}

export const negativeOf = ({ digits, exponent, format }: Quantity): Quantity => ({ digits: -digits, exponent, format });

/** Those of `names`. */
export function onlyOf(amounts: Quantities, names: ReadonlySet<string>): Quantities {
  return new Map([...amounts].filter(([name]) => names.has(name)));
}

export function withoutZeros(amounts: Quantities): Quantities {
  return new Map([...amounts].filter(([, amount]) => signOf(amount) !== 0));
}

/** The resources of which `amounts` has more than `limits`. */
export function exceeding(amounts: Quantities, limits: Quantities): Set<string> {
  const over = new Set<string>();
  for (const [name, limit] of limits) {
    const amount = amounts.get(name);
    if (amount !== undefined && compareQuantities(amount, limit) > 0) over.add(name);
  }
  return over;
}

export function sameList(a: ResourceList | undefined, b: ResourceList | undefined): boolean {
  const names = Object.keys(a ?? {});
  if (names.length !== Object.keys(b ?? {}).length) return false;
  return names.every((name) => {
    const other = b![name];
    return other !== undefined && compareQuantities(parseQuantity(a![name]!), parseQuantity(other)) === 0;
  });
}
