import { equal } from "../compare.ts";
import { declare, type FunctionDeclaration, overload } from "../declarations.ts";
import { BOOL, listOf, param } from "../types.ts";
import { ListValue, NO_SUCH_OVERLOAD, type Value } from "../values.ts";

const LIST = listOf(param("T"));

/** cel-go's sets extension: lists, whatever their order. */
export const SET_FUNCTIONS: readonly FunctionDeclaration[] = [
  set("contains", (a, b) => b.every((item) => has(a, item))),
  set("equivalent", (a, b) => b.every((item) => has(a, item)) && a.every((item) => has(b, item))),
  set("intersects", (a, b) => a.some((item) => has(b, item))),
];

function has(items: readonly Value[], wanted: Value): boolean {
  return items.some((item) => equal(item, wanted));
}

function set(name: string, holds: (a: readonly Value[], b: readonly Value[]) => boolean): FunctionDeclaration {
  const run = (a: Value, b: Value): Value => (a instanceof ListValue && b instanceof ListValue ? holds([...a], [...b]) : NO_SUCH_OVERLOAD);
  return declare(`sets.${name}`, [overload(`list_sets_${name}_list`, [LIST, LIST], BOOL, run)]);
}
