import type { Expr } from "../ast.ts";
import { type CelType, isDyn } from "../types.ts";
import { Failure } from "../values.ts";
import { CLAUSES, parseFormat } from "./format-string.ts";

export interface FormatFault {
  readonly id: number;
  readonly message: string;
}

/** What is wrong with `"literal".format([...])`, as far as types tell before it runs. */
export function formatFaults(call: Expr, types: ReadonlyMap<number, CelType>): FormatFault[] {
  const { node } = call;
  if (node.kind !== "call" || node.name !== "format") return [];
  const format = node.target?.node;
  const list = node.args[0]?.node;
  if (format?.kind !== "literal" || typeof format.value !== "string" || list?.kind !== "list") return [];
  const { elements } = list;
  let index = 0;
  for (const piece of parseFormat(format.value)) {
    if ("text" in piece) continue;
    const argument = elements[index++];
    if (piece instanceof Failure) return [{ id: call.id, message: piece.message }];
    if (argument === undefined) return [{ id: call.id, message: `index ${index - 1} out of range` }];
    const wrong = firstWrong(argument, piece.clause, types);
    if (wrong !== undefined) return [{ id: wrong.id, message: `error during formatting: ${CLAUSES[piece.clause]!.refusal}, was given ${wrong.type}` }];
  }
  if (elements.length <= index) return [];
  return [{ id: call.id, message: `too many arguments supplied to string.format (expected ${index}, got ${elements.length})` }];
}

function firstWrong(expr: Expr, clause: string, types: ReadonlyMap<number, CelType>): { readonly id: number; readonly type: string } | undefined {
  const type = types.get(expr.id);
  if (type !== undefined && !isDyn(type) && !CLAUSES[clause]!.kinds.includes(type.kind)) return { id: expr.id, type: type.name };
  const { node } = expr;
  const parts = clause !== "s" ? [] : node.kind === "list" ? node.elements : node.kind === "map" ? node.entries.flatMap(({ key, value }) => [key, value]) : [];
  for (const part of parts) {
    const wrong = firstWrong(part, clause, types);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
