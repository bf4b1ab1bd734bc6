import type { Expr } from "../ast.ts";
import { MacroError } from "../expr-builder.ts";
import { type Macro, type MacroCall, macroKey } from "../macros.ts";

/** cel-go's bindings extension: `cel.bind(name, value, expression)`. @see google/cel-go ext/bindings.go */
export const BINDING_MACROS: ReadonlyMap<string, Macro> = new Map([[macroKey("bind", 3, true), bind]]);

/** A loop over nothing, whose accumulator is the variable. */
function bind({ build, offset, target, args }: MacroCall): Expr | MacroError {
  const [variable, accuInit, result] = args as [Expr, Expr, Expr];
  if (target?.node.kind !== "ident" || target.node.name !== "cel") return build.memberCall(offset, "bind", target!, ...args);
  if (variable.node.kind !== "ident") return new MacroError(variable.id, "cel.bind() variable names must be simple identifiers");
  const { name } = variable.node;
  return build.expr(offset, {
    kind: "comprehension",
    iterRange: build.list(offset),
    iterVar: "#unused",
    iterVar2: undefined,
    accuVar: name,
    accuInit,
    loopCondition: build.literal(offset, false),
    loopStep: build.ident(offset, name),
    result,
  });
}
