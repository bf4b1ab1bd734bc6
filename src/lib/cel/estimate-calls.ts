import type { Expr } from "./ast.ts";
import type { CallEstimate, Coster, EntrySizes, EstimatedNode } from "./estimate.ts";
import { COST } from "./runtime-cost.ts";
import { type CostEstimate, fixed, plus, scaled, type SizeEstimate, times, UNBOUNDED, union, UNKNOWN } from "./size-estimate.ts";

export interface EstimatedCall {
  readonly coster: Coster;
  readonly expr: Expr;
  /** The overload's. */
  readonly id: string;
  readonly target: EstimatedNode | undefined;
  readonly args: readonly EstimatedNode[];
  readonly argCosts: readonly CostEstimate[];
}

function sizeOrUnknown(node: EstimatedNode | undefined): SizeEstimate {
  return node?.size ?? UNKNOWN;
}

const COMPARISONS: ReadonlySet<string> = new Set([
  "equals",
  "not_equals",
  ...["less", "less_equals", "greater", "greater_equals"].flatMap((name) => [`${name}_string`, `${name}_bytes`]),
]);

/** Functions of the language; what is not listed costs 1. */
export function estimateStandardCall(call: EstimatedCall): CallEstimate {
  const { id, argCosts } = call;
  const args = plus(...argCosts);
  if (COMPARISONS.has(id)) return { cost: plus(compareCost(call), args) };
  switch (id) {
    case "logical_or":
    case "logical_and":
      return { cost: { min: argCosts[0]!.min, max: plus(argCosts[0]!, argCosts[1]!).max } };
    case "conditional":
      return conditional(call);
    case "add_string":
    case "add_bytes":
    case "add_list":
      return sum(call, args);
    default: {
      const { cost, resultSize } = textCost(call) ?? { cost: fixed(1), resultSize: undefined };
      return { cost: plus(cost, args), resultSize };
    }
  }
}

function textCost({ id, target, args }: EstimatedCall): CallEstimate | undefined {
  const first = sizeOrUnknown(args[0]);
  switch (id) {
    case "string_format":
      return { cost: scaled(sizeOrUnknown(target), COST.perCharacter) };
    case "string_to_bytes":
      return { cost: scaled(first, COST.perCharacter), resultSize: { min: first.min, max: wrapped(first.max * 4) } };
    case "bytes_to_string":
      return { cost: scaled(first, COST.perCharacter), resultSize: { min: Math.floor(first.min / 4), max: first.max } };
    case "strings_quote":
      return { cost: scaled(first, COST.perCharacter), resultSize: { min: first.min + 2, max: wrapped(first.max * 2 + 2) } };
    case "starts_with_string":
    case "ends_with_string":
      return { cost: scaled(first, COST.perCharacter) };
    case "in_list":
      return { cost: scaled(sizeOrUnknown(args[1]), 1) };
    case "matches_string":
      return target === undefined ? undefined : { cost: matchEstimate(sizeOrUnknown(target), first) };
    case "contains_string":
      return { cost: times(scaled(sizeOrUnknown(target), COST.perCharacter), scaled(first, COST.perCharacter)) };
    default:
      return undefined;
  }
}

/** What is without bound stays so. */
function wrapped(size: number): number {
  return Math.min(size, UNBOUNDED);
}

export function matchEstimate(size: SizeEstimate, pattern: SizeEstimate): CostEstimate {
  return times(scaled(plus(size, fixed(1)), COST.perCharacter), scaled(pattern, COST.perPatternCharacter));
}

function compareCost({ args }: EstimatedCall): CostEstimate {
  const max = Math.min(sizeOrUnknown(args[0]).max, sizeOrUnknown(args[1]).max);
  return scaled({ min: max > 0 ? 1 : 0, max }, COST.perCharacter);
}

function conditional({ coster, expr, args, argCosts }: EstimatedCall): CallEstimate {
  const [condition, ifTrue, ifFalse] = argCosts as [CostEstimate, CostEstimate, CostEstimate];
  coster.setEntries(expr, joined(coster.entriesOf(args[1]!.expr!), coster.entriesOf(args[2]!.expr!)));
  return { cost: plus(condition, union(ifTrue, ifFalse)), resultSize: union(sizeOrUnknown(args[1]), sizeOrUnknown(args[2])) };
}

function sum({ coster, expr, id, args }: EstimatedCall, argCost: CostEstimate): CallEstimate {
  const resultSize = plus(sizeOrUnknown(args[0]), sizeOrUnknown(args[1]));
  coster.setEntries(expr, joined(coster.entriesOf(args[0]!.expr!), coster.entriesOf(args[1]!.expr!)));
  const own = id === "add_list" ? fixed(1) : scaled(resultSize, COST.perCharacter);
  return { cost: plus(own, argCost), resultSize };
}

function joined(a: EntrySizes | undefined, b: EntrySizes | undefined): EntrySizes | undefined {
  return a === undefined || b === undefined ? undefined : { kind: a.kind, key: union(a.key, b.key), value: union(a.value, b.value) };
}
