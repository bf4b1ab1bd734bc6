/** Numbers from here on mean "without bound"; upstream's counters end there. */
export const UNBOUNDED = 2 ** 64;

/** Bounds of a size or of a cost. */
export interface CostEstimate {
  readonly min: number;
  readonly max: number;
}

export type SizeEstimate = CostEstimate;

export const UNKNOWN: CostEstimate = { min: 0, max: UNBOUNDED };
export const ZERO: CostEstimate = { min: 0, max: 0 };

export function fixed(value: number): CostEstimate {
  return { min: value, max: value };
}

function capped(value: number): number {
  return value >= UNBOUNDED ? UNBOUNDED : value;
}

export function plus(...estimates: readonly CostEstimate[]): CostEstimate {
  return {
    min: capped(estimates.reduce((sum, { min }) => sum + min, 0)),
    max: capped(estimates.reduce((sum, { max }) => sum + max, 0)),
  };
}

export function times(a: CostEstimate, b: CostEstimate): CostEstimate {
  return { min: capped(a.min * b.min), max: capped(a.max * b.max) };
}

/** Rounded up. */
export function scaled({ min, max }: CostEstimate, factor: number): CostEstimate {
  return { min: capped(Math.ceil(min * factor)), max: max >= UNBOUNDED && factor >= 1 ? UNBOUNDED : capped(Math.ceil(max * factor)) };
}

/** The least bounds that hold for both. */
export function union(a: CostEstimate, b: CostEstimate): CostEstimate {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}
