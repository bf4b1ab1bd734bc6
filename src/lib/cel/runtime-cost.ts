import { sizeOf } from "./inspect.ts";
import { Optional, OpaqueValue, type Value } from "./values.ts";

/** What one step costs, in upstream's units. */
export const COST = { name: 1, list: 10, map: 30, struct: 40, perCharacter: 0.1, perPatternCharacter: 0.25 } as const;

/** @returns what a call cost, or undefined where the usual price holds */
export type CallCost = (name: string, overloadId: string, args: readonly Value[], result: Value) => number | undefined;

/** A value's size as costs count it: 1 for what has none. */
export function actualSize(value: Value): number {
  const size = sizeOf(value) ?? (value instanceof OpaqueValue ? value.size : undefined);
  if (size !== undefined) return size;
  return value instanceof Optional && value.value !== undefined ? actualSize(value.value) : 1;
}

export function traversal(size: number): number {
  return Math.ceil(size * COST.perCharacter);
}

/** What matching a text of `size` against a pattern of `patternSize` costs. */
export function matchCost(size: number, patternSize: number): number {
  return Math.ceil((1 + size) * COST.perCharacter) * Math.ceil(patternSize * COST.perPatternCharacter);
}

const ONE_TRAVERSAL: ReadonlySet<string> = new Set([
  "starts_with_string",
  "ends_with_string",
  "string_to_bytes",
  "bytes_to_string",
  "strings_quote",
  "string_format",
]);
const SMALLER_TRAVERSAL: ReadonlySet<string> = new Set([
  "equals",
  "not_equals",
  ...["less", "less_equals", "greater", "greater_equals"].flatMap((name) => [`${name}_string`, `${name}_bytes`]),
]);

/** What a call of the language itself costs. @see google/cel-go interpreter/runtimecost.go */
export function standardCallCost(overloadId: string, args: readonly Value[]): number {
  const size = (i: number): number => actualSize(args[i]!);
  if (ONE_TRAVERSAL.has(overloadId)) return traversal(size(0));
  if (SMALLER_TRAVERSAL.has(overloadId)) return traversal(Math.min(size(0), size(1)));
  switch (overloadId) {
    case "in_list":
      return size(1);
    case "add_string":
    case "add_bytes":
      return traversal(size(0) + size(1));
    case "matches_string":
      return matchCost(size(0), size(1));
    case "contains_string":
      return traversal(size(0)) * traversal(size(1));
    default:
      return 1;
  }
}
