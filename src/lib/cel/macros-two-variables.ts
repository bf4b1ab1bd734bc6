import type { Expr } from "./ast.ts";
import { type ExprBuilder, MacroError } from "./expr-builder.ts";
import { all, collect, exists, existsOne, type Fold, loop, type Macro, type MakeFold, macroKey, variable } from "./macros.ts";

/** Comprehensions which bind a key, or an index, and its value. */
export const TWO_VARIABLE_MACROS: ReadonlyMap<string, Macro> = new Map([
  [macroKey("all", 3, true), quantifier(all)],
  [macroKey("exists", 3, true), quantifier(exists)],
  [macroKey("existsOne", 3, true), quantifier(existsOne)],
  [macroKey("exists_one", 3, true), quantifier(existsOne)],
  ...[3, 4].flatMap((args): [string, Macro][] => [
    [macroKey("transformList", args, true), transform((build, offset, _key, value, condition) => collect(build, offset, value, condition))],
    [
      macroKey("transformMap", args, true),
      transform((build, offset, key, value, condition) => insert(build, offset, [build.ident(offset, key), value], condition)),
    ],
    [macroKey("transformMapEntry", args, true), transform((build, offset, _key, value, condition) => insert(build, offset, [value], condition))],
  ]),
]);

function quantifier(fold: MakeFold): Macro {
  return ({ build, offset, target, args }) => {
    const names = variables(args);
    if (names instanceof MacroError) return names;
    const [iterVar, iterVar2] = names;
    return loop({ build, offset, target: target!, iterVar, iterVar2, fold: fold(build, offset, args[2]!) });
  };
}

type MakeTransform = (build: ExprBuilder, offset: number, key: string, value: Expr, condition: Expr | undefined) => Fold;

function transform(fold: MakeTransform): Macro {
  return ({ build, offset, target, args }) => {
    const names = variables(args);
    if (names instanceof MacroError) return names;
    const [iterVar, iterVar2] = names;
    const condition = args.length === 4 ? args[2] : undefined;
    return loop({ build, offset, target: target!, iterVar, iterVar2, fold: fold(build, offset, iterVar, args.at(-1)!, condition) });
  };
}

/** A loop which puts entries into a map: a key with its value, or the entries of a map. */
function insert(build: ExprBuilder, offset: number, entry: readonly Expr[], condition: Expr | undefined): Fold {
  const grown = build.call(offset, "cel.@mapInsert", build.accumulator(offset), ...entry);
  const step = condition === undefined ? grown : build.call(offset, "_?_:_", condition, grown, build.accumulator(offset));
  const init = build.expr(offset, { kind: "map", entries: [] });
  return { init, condition: build.literal(offset, true), step, result: build.accumulator(offset) };
}

function variables(args: readonly Expr[]): [string, string] | MacroError {
  const [first, second] = args as [Expr, Expr];
  const one = variable(first, "argument must be a simple name");
  if (typeof one !== "string") return one;
  const two = variable(second, "argument must be a simple name");
  if (typeof two !== "string") return two;
  return one === two ? new MacroError(second.id, `duplicate variable name: ${one}`) : [one, two];
}
