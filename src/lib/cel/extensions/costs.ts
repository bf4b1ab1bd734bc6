import type { CallEstimate, EstimatedNode, Estimator } from "../estimate.ts";
import { actualSize } from "../runtime-cost.ts";
import { fixed, plus, scaled, type SizeEstimate, times, UNBOUNDED, UNKNOWN } from "../size-estimate.ts";
import { ListValue, type Value } from "../values.ts";

const LIST_COST = 10;
const CALL_COST = 1;
const PER_CHARACTER = 0.1;

function allocating(factor: number, size: number): number {
  return Math.floor(size * factor) + CALL_COST + LIST_COST;
}

/** Comparing each element with each other one. */
function selfCompare(list: Value): number {
  const size = actualSize(list);
  const first = list instanceof ListValue && list.size > 0 ? list.get(0) : undefined;
  const isText = typeof first === "string" || first instanceof Uint8Array;
  return allocating(isText ? 2 + PER_CHARACTER : 2, size * size);
}

const SETS: Readonly<Record<string, number>> = { list_sets_contains_list: 1, list_sets_intersects_list: 1, list_sets_equivalent_list: 2 };
const SORT = /^list_.*_sort(ByAssociatedKeys)?$/;

/** What a call of the lists and sets extensions cost; undefined for other calls. */
export function extensionCallCost(overloadId: string, args: readonly Value[], result: Value): number | undefined {
  const factor = SETS[overloadId];
  if (factor !== undefined) return CALL_COST + Math.floor(actualSize(args[0]!) * actualSize(args[1]!) * factor);
  const sort = SORT.exec(overloadId);
  if (sort !== null) return selfCompare(args[sort[1] === undefined ? 0 : 1]!);
  switch (overloadId) {
    case "list_slice":
    case "lists_range":
    case "list_reverse":
      return allocating(1, actualSize(result));
    case "list_flatten":
      return allocating(1, actualSize(args[0]!));
    case "list_flatten_int":
      return allocating(Number(args[1]), actualSize(args[0]!));
    case "list_distinct":
      return selfCompare(args[0]!);
    default:
      return undefined;
  }
}

function estimateList(factor: number, size: SizeEstimate): CallEstimate {
  return { cost: plus(scaled(size, factor), fixed(CALL_COST + LIST_COST)), resultSize: size };
}

/** The value of a literal int, or what is taken for granted of others. */
function literalInt(node: EstimatedNode | undefined, otherwise: number): number {
  const literal = node?.expr?.node;
  if (literal?.kind !== "literal" || typeof literal.value !== "bigint") return otherwise;
  return literal.value < 0n ? 0 : Number(literal.value);
}

/** A range that ends before it begins is as long as upstream's counters go. */
function wrapped(length: number): number {
  return length < 0 ? UNBOUNDED : length;
}

/** The same before the call is made. */
export function estimateExtensionCall(
  estimator: Pick<Estimator, "size">,
  overloadId: string,
  target: EstimatedNode | undefined,
  args: readonly EstimatedNode[],
): CallEstimate | undefined {
  const sizeOf = (node: EstimatedNode | undefined): SizeEstimate => (node === undefined ? UNKNOWN : (node.size ?? estimator.size(node) ?? UNKNOWN));
  const factor = SETS[overloadId];
  if (factor !== undefined) return { cost: plus(scaled(times(sizeOf(args[0]), sizeOf(args[1])), factor), fixed(CALL_COST)) };
  const sort = SORT.exec(overloadId);
  if (sort !== null) {
    const size = sizeOf(sort[1] === undefined ? target : args[0]);
    return estimateList(/^list_(?:string|bytes)_/.test(overloadId) ? 2 + PER_CHARACTER : 2, times(size, size));
  }
  switch (overloadId) {
    case "list_slice":
      return estimateList(1, fixed(wrapped(literalInt(args[1], sizeOf(target).max) - literalInt(args[0], 0))));
    case "lists_range":
      return estimateList(1, fixed(literalInt(args[0], UNBOUNDED)));
    case "list_reverse":
      return estimateList(1, sizeOf(target));
    case "list_flatten":
      return estimateList(1, sizeOf(target));
    case "list_flatten_int":
      return estimateList(literalInt(args[0], UNBOUNDED), sizeOf(target));
    case "list_distinct":
      return estimateList(2, times(sizeOf(target), sizeOf(target)));
    default:
      return undefined;
  }
}
