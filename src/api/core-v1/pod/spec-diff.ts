import type { PodSpec } from "#api/core-v1/types.ts";
import { unifiedDiff } from "#lib/unified-diff.ts";

import { goValue } from "../pod-spec/go-values.ts";

const printed = (value: unknown) => JSON.stringify(value, null, 1);

/** What differs between two specs, as upstream tells it in a refusal. */
export function specDiff(old: PodSpec, next: PodSpec): string {
  return goDiff("PodSpec", old, next);
}

/** Likewise of a struct of `GO_STRUCTS`. */
export function goDiff(type: string, old: unknown, next: unknown): string {
  return unifiedDiff(printed(goValue(type, old)), printed(goValue(type, next)));
}
