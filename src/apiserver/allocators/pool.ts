import { Bitmap } from "#apiserver/allocators/bitmap.ts";
import type { Rng } from "#lib/rng.ts";

/** Numbers from a range, each given to one holder. */
export interface Pool {
  /** @returns whether the number was free */
  take(index: number): boolean;
  /** Any free number: from the upper band while there is one, as users like to ask for low ones by name. */
  takeAny(): number | undefined;
  give(index: number): void;
  has(index: number): boolean;
}

/** How much of a range is kept for those who name their number: a part of it, within limits, and nothing of a tiny one. */
export interface Band {
  readonly part: number;
  readonly largest: number;
}

const SMALLEST_BAND = 16;

export function bandedPool(size: number, lower: Band, rng: Rng): Pool {
  const taken = new Bitmap(size);
  const band = bandSize(size, lower);
  const within = (from: number, to: number): number | undefined => {
    const start = from + Math.floor(rng() * (to - from));
    return taken.firstAbsent(start, to) ?? taken.firstAbsent(from, start);
  };
  return {
    take: (index) => taken.add(index),
    takeAny() {
      const found = within(band, size) ?? within(0, band);
      if (found !== undefined) taken.add(found);
      return found;
    },
    give: (index) => taken.delete(index),
    has: (index) => taken.has(index),
  };
}

/** @see kubernetes KEP-3070 for addresses, KEP-3668 for ports */
function bandSize(size: number, { part, largest }: Band): number {
  if (size <= SMALLEST_BAND) return 0;
  return Math.min(Math.max(SMALLEST_BAND, Math.floor(size / part)), largest);
}
