import type { Expr } from "./ast.ts";

/** @param ids the operators' numbers, one fewer than terms */
export function balanced(name: string, terms: readonly Expr[], ids: readonly number[]): Expr {
  const between = (low: number, high: number): Expr => {
    const middle = Math.floor((low + high + 1) / 2);
    const left = middle === low ? terms[middle]! : between(low, middle - 1);
    const right = middle === high ? terms[middle + 1]! : between(middle + 1, high);
    return { id: ids[middle]!, node: { kind: "call", name, target: undefined, args: [left, right] } };
  };
  return between(0, ids.length - 1);
}
