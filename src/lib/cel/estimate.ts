import type { Call, Comprehension, Expr, Select } from "./ast.ts";
import { type Checked, isAccumulator } from "./checker.ts";
import { estimateStandardCall } from "./estimate-calls.ts";
import { type CostEstimate, fixed, plus, type SizeEstimate, times, union, UNBOUNDED, UNKNOWN, ZERO } from "./size-estimate.ts";
import { codePointLength } from "./source.ts";
import { type CelType, DYN, unwrapOptional } from "./types.ts";

export type { CostEstimate, SizeEstimate } from "./size-estimate.ts";

/** A part of an expression, as an estimator sees it. */
export interface EstimatedNode {
  /** The way from a variable: names of fields, `@items`, `@keys`, `@values`, `@indices`. Undefined where no variable leads there. */
  readonly path: readonly string[] | undefined;
  readonly type: CelType;
  /** What the expression itself tells of the size. */
  readonly size: SizeEstimate | undefined;
  /** Undefined for the elements of a list that some call made. */
  readonly expr: Expr | undefined;
}

export interface CallEstimate {
  readonly cost: CostEstimate;
  readonly resultSize?: SizeEstimate | undefined;
}

/** What the host knows of sizes, from schemas, and of its own functions. */
export interface Estimator {
  size(node: EstimatedNode): SizeEstimate | undefined;
  /** The cost of a call without that of its arguments; by default, what the environment says. */
  readonly call?: (name: string, overloadId: string, target: EstimatedNode | undefined, args: readonly EstimatedNode[]) => CallEstimate | undefined;
}

const NOTHING_KNOWN: Estimator = { size: () => undefined };

/** @see google/cel-go checker/cost.go */
export function estimateCost(checked: Checked, estimator: Estimator = NOTHING_KNOWN): CostEstimate {
  return new Coster(checked, estimator).cost(checked.expr);
}

/** Bounds for the keys (or nothing that matters) and the values of a list or a map. */
export interface EntrySizes {
  readonly kind: "list" | "map";
  readonly key: SizeEstimate;
  readonly value: SizeEstimate;
}

interface Local {
  readonly path: readonly string[];
  readonly size: SizeEstimate | undefined;
  readonly entries: EntrySizes | undefined;
}

export class Coster {
  readonly #checked: Checked;
  readonly estimator: Estimator;
  readonly #paths = new Map<number, readonly string[]>();
  readonly #sizes = new Map<number, SizeEstimate>();
  readonly #entries = new Map<number, EntrySizes>();
  readonly #locals = new Map<string, Local[]>();

  constructor(checked: Checked, estimator: Estimator) {
    this.#checked = checked;
    this.estimator = estimator;
  }

  cost(expr: Expr): CostEstimate {
    const { node } = expr;
    switch (node.kind) {
      case "ident":
        this.#paths.set(expr.id, this.#local(node.name)?.path ?? [node.name]);
        return fixed(1);
      case "select":
        return this.#select(expr, node);
      case "call":
        return this.#call(expr, node);
      case "list":
        return this.#list(expr, node.elements);
      case "map":
        return this.#map(expr);
      case "struct":
        return plus(fixed(40), ...node.fields.map(({ value }) => this.cost(value)));
      case "comprehension":
        return isBinding(node) ? this.#binding(expr, node) : this.#comprehension(expr, node);
      default:
        return ZERO;
    }
  }

  #select(expr: Expr, { operand, field, testOnly }: Select): CostEstimate {
    const cost = this.cost(operand);
    if (testOnly) return cost;
    this.#paths.set(expr.id, [...this.#pathOf(operand), field]);
    return ["map", "struct", "param"].includes(this.#typeOf(operand).kind) ? plus(cost, fixed(1)) : cost;
  }

  #call(expr: Expr, call: Call): CostEstimate {
    if (call.name === "dyn") return this.#dyn(expr, call.args[0]!);
    const argCosts = call.args.map((arg) => this.cost(arg));
    const args = call.args.map((arg) => this.node(arg));
    const overloads = this.#checked.calls.get(expr.id)?.overloads ?? [];
    if (overloads.length === 0) return ZERO;
    const targetCost = call.target === undefined ? ZERO : this.cost(call.target);
    const target = call.target === undefined ? undefined : this.node(call.target);
    let cost: CostEstimate = { min: UNBOUNDED, max: 0 };
    let size: SizeEstimate | undefined;
    for (const { id } of overloads) {
      const own = this.#overloadCost(expr, call, id, target, args, argCosts);
      cost = union(cost, own.cost);
      if (own.resultSize !== undefined) size = size === undefined ? own.resultSize : union(size, own.resultSize);
      if (id === "index_list" || id === "index_map") size = this.#indexed(expr, call.args[0]!, id === "index_list" ? "@items" : "@values");
      size ??= this.sizeOf(expr);
    }
    this.#setSize(expr, size);
    return plus(targetCost, cost);
  }

  #dyn(expr: Expr, arg: Expr): CostEstimate {
    const cost = plus(fixed(1), this.cost(arg));
    this.#setSize(expr, this.sizeOf(arg));
    this.setEntries(expr, this.entriesOf(arg));
    return cost;
  }

  #indexed(expr: Expr, container: Expr, step: string): SizeEstimate | undefined {
    this.#paths.set(expr.id, [...this.#pathOf(container), step]);
    return this.entriesOf(container)?.value;
  }

  #overloadCost(
    expr: Expr,
    { name }: Call,
    id: string,
    target: EstimatedNode | undefined,
    args: readonly EstimatedNode[],
    argCosts: readonly CostEstimate[],
  ): CallEstimate {
    const given = this.estimator.call?.(name, id, target, args);
    if (given !== undefined) return { ...given, cost: plus(given.cost, ...argCosts) };
    return estimateStandardCall({ coster: this, expr, id, target, args, argCosts });
  }

  #list(expr: Expr, elements: readonly Expr[]): CostEstimate {
    const costs = elements.map((element) => this.cost(element));
    this.setEntries(expr, { kind: "list", key: fixed(1), value: this.#sizeOfAny(elements) });
    return plus(fixed(10), ...costs);
  }

  #map(expr: Expr): CostEstimate {
    if (expr.node.kind !== "map") return ZERO;
    const { entries } = expr.node;
    const costs = entries.flatMap(({ key, value }) => [this.cost(key), this.cost(value)]);
    this.setEntries(expr, { kind: "map", key: this.#sizeOfAny(entries.map(({ key }) => key)), value: this.#sizeOfAny(entries.map(({ value }) => value)) });
    return plus(fixed(30), ...costs);
  }

  #sizeOfAny(exprs: readonly Expr[]): SizeEstimate {
    if (exprs.length === 0) return ZERO;
    return exprs.map((each) => this.sizeOf(each) ?? UNKNOWN).reduce(union);
  }

  #comprehension(expr: Expr, loop: Comprehension): CostEstimate {
    const before = plus(this.cost(loop.iterRange), this.cost(loop.accuInit));
    this.#push(loop.accuVar, { path: this.#pathOf(loop.accuInit), size: this.sizeOf(loop.accuInit), entries: this.entriesOf(loop.accuInit) });
    const second = loop.iterVar2;
    this.#push(loop.iterVar, this.#loopVariable(loop.iterRange, second === undefined ? "single" : "key"));
    if (second !== undefined) this.#push(second, this.#loopVariable(loop.iterRange, "value"));
    const turn = plus(this.cost(loop.loopCondition), this.cost(loop.loopStep));
    this.#pop(loop.iterVar);
    if (second !== undefined) this.#pop(second);
    const result = this.cost(loop.result);
    this.#pop(loop.accuVar);
    const turns = this.sizeOf(loop.iterRange) ?? UNKNOWN;
    this.#sizeResult(expr, loop, turns);
    return plus(before, result, times(turns, turn));
  }

  #sizeResult(expr: Expr, { accuInit, loopStep }: Comprehension, turns: SizeEstimate): void {
    if (accuInit.node.kind === "literal") this.#setSize(expr, this.sizeOf(accuInit));
    if (accuInit.node.kind !== "list" && accuInit.node.kind !== "map") return;
    this.#setSize(expr, turns);
    this.setEntries(expr, this.entriesOf(loopStep));
  }

  #loopVariable(range: Expr, which: "single" | "key" | "value"): Local {
    const entries = this.entriesOf(range);
    const isList = (entries?.kind ?? this.#typeOf(range).kind) === "list";
    const steps = { single: isList ? "@items" : "@keys", key: isList ? "@indices" : "@keys", value: isList ? "@items" : "@values" };
    const isValue = which === "value" || (which === "single" && isList);
    return { path: [...this.#pathOf(range), steps[which]], size: isValue ? entries?.value : entries?.key, entries: undefined };
  }

  #binding(expr: Expr, loop: Comprehension): CostEstimate {
    const before = plus(this.cost(loop.iterRange), this.cost(loop.accuInit));
    this.#push(loop.accuVar, { path: this.#pathOf(loop.accuInit), size: this.sizeOf(loop.accuInit), entries: this.entriesOf(loop.accuInit) });
    const result = this.cost(loop.result);
    this.#pop(loop.accuVar);
    this.#setSize(expr, this.sizeOf(loop.result));
    this.setEntries(expr, this.entriesOf(loop.result));
    return plus(before, result);
  }

  node(expr: Expr): EstimatedNode {
    const path = this.#pathOf(expr);
    return { path: path.length === 0 || isAccumulator(path[0]) ? undefined : path, type: this.#typeOf(expr), size: this.sizeOf(expr), expr };
  }

  sizeOf(expr: Expr): SizeEstimate | undefined {
    const known = this.#sizes.get(expr.id) ?? literalSize(expr);
    if (known !== undefined) return known;
    const type = this.#typeOf(expr);
    const given = this.estimator.size({ path: this.#pathOf(expr), type, size: undefined, expr });
    if (given !== undefined) {
      this.#sizes.set(expr.id, given);
      return given;
    }
    if (isScalar(type)) return fixed(1);
    return expr.node.kind === "ident" ? this.#local(expr.node.name)?.size : undefined;
  }

  entriesOf(expr: Expr): EntrySizes | undefined {
    return this.#entries.get(expr.id) ?? (expr.node.kind === "ident" ? this.#local(expr.node.name)?.entries : undefined);
  }

  setEntries({ id }: Expr, entries: EntrySizes | undefined): void {
    if (entries !== undefined) this.#entries.set(id, entries);
  }

  #setSize({ id }: Expr, size: SizeEstimate | undefined): void {
    if (size !== undefined) this.#sizes.set(id, size);
  }

  #pathOf({ id, node }: Expr): readonly string[] {
    return (node.kind === "ident" ? this.#local(node.name)?.path : undefined) ?? this.#paths.get(id) ?? [];
  }

  #typeOf({ id }: Expr): CelType {
    return this.#checked.types.get(id) ?? DYN;
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1);
  }

  #push(name: string, local: Local): void {
    const stack = this.#locals.get(name);
    if (stack === undefined) this.#locals.set(name, [local]);
    else stack.push(local);
  }

  #pop(name: string): void {
    this.#locals.get(name)?.pop();
  }
}

/** A loop over nothing is how macros bind a variable. */
function isBinding({ iterRange, loopCondition, accuVar }: Comprehension): boolean {
  const { node } = iterRange;
  const condition = loopCondition.node;
  return node.kind === "list" && node.elements.length === 0 && condition.kind === "literal" && condition.value === false && accuVar !== "__result__";
}

function literalSize({ node }: Expr): SizeEstimate | undefined {
  if (node.kind === "list") return fixed(node.elements.length);
  if (node.kind === "map") return fixed(node.entries.length);
  if (node.kind !== "literal") return undefined;
  if (typeof node.value === "string") return fixed(codePointLength(node.value));
  return fixed(node.value instanceof Uint8Array ? node.value.length : 1);
}

function isScalar(type: CelType): boolean {
  const { type: inner } = unwrapOptional(type);
  return ["bool", "double", "duration", "int", "timestamp", "uint"].includes(inner.kind);
}
