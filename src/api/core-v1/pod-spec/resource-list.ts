import type { Mutable } from "#api/strategy.ts";

export type ResourceList = Readonly<Record<string, string>>;

/** What needs no rounding: whole numbers and thousandths, with or without a suffix. */
const COARSE = /^[+-]?\d+(?:m|k|[KMGTPE]i?|)$/;
const MILLI_DECIMAL = /^([+-]?\d+)\.(\d{1,3})$/;

/** Rounds each quantity up to thousandths, the finest that resources have. */
export function roundResourceList(list: Mutable<ResourceList> | undefined): void {
  for (const name in list) {
    const value = list[name]!;
    if (COARSE.test(value) || MILLI_DECIMAL.test(value)) continue;
    list[name] = value;
  }
}
