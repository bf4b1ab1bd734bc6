import { ACCUMULATOR, type Expr } from "./ast.ts";
import { type ExprBuilder, MacroError } from "./expr-builder.ts";

/** What a macro sees: where its call stands, its receiver and its arguments. */
export interface MacroCall {
  readonly build: ExprBuilder;
  readonly offset: number;
  /** Undefined for global macros. */
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

export type Macro = (call: MacroCall) => Expr | MacroError;

/** @returns the key of a macro in a table: name, number of arguments, and whether it has a receiver */
export function macroKey(name: string, args: number, isMember: boolean): string {
  return `${name}:${args}:${isMember}`;
}

const OLD_ACCUMULATOR = "__result__";
const OVERWRITES = "iteration variable overwrites accumulator variable";

/** The macros of the language itself and of optional values. */
export const STANDARD_MACROS: ReadonlyMap<string, Macro> = new Map([
  [macroKey("has", 1, false), has],
  [macroKey("all", 2, true), quantifier(all)],
  [macroKey("exists", 2, true), quantifier(exists)],
  [macroKey("exists_one", 2, true), quantifier(existsOne)],
  [macroKey("existsOne", 2, true), quantifier(existsOne)],
  [macroKey("map", 2, true), map],
  [macroKey("map", 3, true), map],
  [macroKey("filter", 2, true), filter],
  [macroKey("optMap", 2, true), optMap],
  [macroKey("optFlatMap", 2, true), optFlatMap],
]);

function has({ build, offset, args }: MacroCall): Expr | MacroError {
  const [arg] = args as [Expr];
  if (arg.node.kind !== "select") return new MacroError(arg.id, "invalid argument to has() macro");
  return build.expr(offset, { ...arg.node, testOnly: true });
}

/** How a quantifier folds: the parts of its loop. */
export interface Fold {
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

export type MakeFold = (build: ExprBuilder, offset: number, predicate: Expr) => Fold;

export function all(build: ExprBuilder, offset: number, predicate: Expr): Fold {
  return {
    init: build.literal(offset, true),
    condition: build.call(offset, "@not_strictly_false", build.accumulator(offset)),
    step: build.call(offset, "_&&_", build.accumulator(offset), predicate),
    result: build.accumulator(offset),
  };
}

export function exists(build: ExprBuilder, offset: number, predicate: Expr): Fold {
  return {
    init: build.literal(offset, false),
    condition: build.call(offset, "@not_strictly_false", build.call(offset, "!_", build.accumulator(offset))),
    step: build.call(offset, "_||_", build.accumulator(offset), predicate),
    result: build.accumulator(offset),
  };
}

export function existsOne(build: ExprBuilder, offset: number, predicate: Expr): Fold {
  const plusOne = (): Expr => build.call(offset, "_+_", build.accumulator(offset), build.literal(offset, 1n));
  return {
    init: build.literal(offset, 0n),
    condition: build.literal(offset, true),
    step: build.call(offset, "_?_:_", predicate, plusOne(), build.accumulator(offset)),
    result: build.call(offset, "_==_", build.accumulator(offset), build.literal(offset, 1n)),
  };
}

function quantifier(fold: MakeFold): Macro {
  return ({ build, offset, target, args }) => {
    const iterVar = variable(args[0]!, "argument must be a simple name");
    if (typeof iterVar !== "string") return iterVar;
    return loop({ build, offset, target: target!, iterVar, iterVar2: undefined, fold: fold(build, offset, args[1]!) });
  };
}

function map({ build, offset, target, args }: MacroCall): Expr | MacroError {
  const iterVar = variable(args[0]!, "argument is not an identifier");
  if (typeof iterVar !== "string") return iterVar;
  const condition = args.length === 3 ? args[1] : undefined;
  return loop({ build, offset, target: target!, iterVar, iterVar2: undefined, fold: collect(build, offset, args.at(-1)!, condition) });
}

function filter({ build, offset, target, args }: MacroCall): Expr | MacroError {
  const iterVar = variable(args[0]!, "argument is not an identifier");
  if (typeof iterVar !== "string") return iterVar;
  return loop({ build, offset, target: target!, iterVar, iterVar2: undefined, fold: collect(build, offset, args[0]!, args[1]) });
}

/** A loop which makes a list of `element`, of those where `condition` holds. */
export function collect(build: ExprBuilder, offset: number, element: Expr, condition: Expr | undefined): Fold {
  const init = build.list(offset);
  const always = build.literal(offset, true);
  const grown = build.call(offset, "_+_", build.accumulator(offset), build.list(offset, element));
  const step = condition === undefined ? grown : build.call(offset, "_?_:_", condition, grown, build.accumulator(offset));
  return { init, condition: always, step, result: build.accumulator(offset) };
}

export interface Loop {
  readonly build: ExprBuilder;
  readonly offset: number;
  readonly target: Expr;
  readonly iterVar: string;
  readonly iterVar2: string | undefined;
  readonly fold: Fold;
}

export function loop({ build, offset, target, iterVar, iterVar2, fold }: Loop): Expr {
  return build.expr(offset, {
    kind: "comprehension",
    iterRange: target,
    iterVar,
    iterVar2,
    accuVar: ACCUMULATOR,
    accuInit: fold.init,
    loopCondition: fold.condition,
    loopStep: fold.step,
    result: fold.result,
  });
}

export function variable(expr: Expr, otherwise: string): string | MacroError {
  if (expr.node.kind !== "ident") return new MacroError(expr.id, otherwise);
  if (expr.node.name === ACCUMULATOR || expr.node.name === OLD_ACCUMULATOR) return new MacroError(expr.id, OVERWRITES);
  return expr.node.name;
}

function optMap(call: MacroCall): Expr | MacroError {
  const { build, offset, args } = call;
  const name = optionalVariable(args[0]!, "optMap");
  if (typeof name !== "string") return name;
  const test = build.memberCall(offset, "hasValue", call.target!);
  const bound = bindValue(call, name);
  const some = build.call(offset, "optional.of", bound);
  return build.call(offset, "_?_:_", test, some, build.call(offset, "optional.none"));
}

function optFlatMap(call: MacroCall): Expr | MacroError {
  const { build, offset, args } = call;
  const name = optionalVariable(args[0]!, "optFlatMap");
  if (typeof name !== "string") return name;
  const test = build.memberCall(offset, "hasValue", call.target!);
  return build.call(offset, "_?_:_", test, bindValue(call, name), build.call(offset, "optional.none"));
}

function optionalVariable({ id, node }: Expr, macro: string): string | MacroError {
  return node.kind === "ident" ? node.name : new MacroError(id, `${macro}() variable name must be a simple identifier`);
}

/** The last argument with `name` bound to the optional's value: a loop over nothing, whose accumulator is the variable. */
function bindValue({ build, offset, target, args }: MacroCall, name: string): Expr {
  const iterRange = build.list(offset);
  const accuInit = build.memberCall(offset, "value", build.copy(target!));
  return build.expr(offset, {
    kind: "comprehension",
    iterRange,
    iterVar: "#unused",
    iterVar2: undefined,
    accuVar: name,
    accuInit,
    loopCondition: build.literal(offset, false),
    loopStep: build.ident(offset, name),
    result: args[1]!,
  });
}
