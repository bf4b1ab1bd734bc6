import { add, duration } from "#lib/cel/arithmetic.ts";
import { compare, equal } from "#lib/cel/compare.ts";
import { declare, type FunctionDeclaration, type Implementation, member } from "#lib/cel/declarations.ts";
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, INT, listOf, param, STRING, TIMESTAMP, UINT } from "#lib/cel/types.ts";
import { Failure, ListValue, NO_SUCH_OVERLOAD, Uint, type Value } from "#lib/cel/values.ts";

const A = param("A");

const COMPARABLE: readonly (readonly [string, CelType])[] = [
  ["int", INT],
  ["uint", UINT],
  ["double", DOUBLE],
  ["bool", BOOL],
  ["duration", DURATION],
  ["timestamp", TIMESTAMP],
  ["string", STRING],
  ["bytes", BYTES],
];

const ZEROS: readonly (readonly [string, CelType, Value])[] = [
  ["int", INT, 0n],
  ["uint", UINT, new Uint(0n)],
  ["double", DOUBLE, 0],
  ["duration", DURATION, duration(0n)],
];

/** Kubernetes' own functions of lists. */
export const KUBERNETES_LIST_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare(
    "isSorted",
    COMPARABLE.map(([name, type]) => member(`list_${name}_is_sorted_bool`, [listOf(type)], BOOL, onList(isSorted))),
  ),
  declare(
    "sum",
    ZEROS.map(([name, type, zero]) =>
      member(
        `list_${name}_sum_${name}`,
        [listOf(type)],
        type,
        onList((list) => sum(list, zero)),
      ),
    ),
  ),
  extreme("max", (order) => order < 0),
  extreme("min", (order) => order > 0),
  declare("indexOf", [
    member(
      "list_a_index_of_int",
      [listOf(A), A],
      INT,
      onList((list, wanted) => BigInt([...list].findIndex((item) => equal(item, wanted!)))),
    ),
  ]),
  declare("lastIndexOf", [
    member(
      "list_a_last_index_of_int",
      [listOf(A), A],
      INT,
      onList((list, wanted) => BigInt([...list].findLastIndex((item) => equal(item, wanted!)))),
    ),
  ]),
];

function onList(run: (list: ListValue, ...rest: Value[]) => Value): Implementation {
  return (list, ...rest) => (list instanceof ListValue ? run(list, ...rest) : NO_SUCH_OVERLOAD);
}

function isSorted(list: ListValue): Value {
  let previous: Value | undefined;
  for (const item of list) {
    if (item instanceof Failure) return item;
    const order = previous === undefined ? 0 : compare(previous, item);
    if (typeof order === "number" && order > 0) return false;
    previous = item;
  }
  return true;
}

function sum(list: ListValue, zero: Value): Value {
  let total = zero;
  for (const item of list) {
    total = add(total, item);
    if (total instanceof Failure) return total;
  }
  return total;
}

function extreme(name: string, isBetter: (order: number) => boolean): FunctionDeclaration {
  const run = onList((list) => {
    let best: Value | undefined;
    for (const item of list) {
      if (item instanceof Failure) return item;
      const order = best === undefined ? 0 : compare(best, item);
      if (best === undefined || (typeof order === "number" && isBetter(order))) best = item;
    }
    return best ?? new Failure(`${name} called on empty list`);
  });
  return declare(
    name,
    COMPARABLE.map(([type, element]) => member(`list_${type}_${name}_${type}`, [listOf(element)], element, run)),
  );
}
