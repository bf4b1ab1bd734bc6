import { add, divide, modulo, multiply, negate, subtract } from "./arithmetic.ts";
import { compare, comparing, equal } from "./compare.ts";
import { declare, type FunctionDeclaration, type Implementation, onlyFor, type Overload, overload } from "./declarations.ts";
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, INT, listOf, mapOf, param, STRING, TIMESTAMP, UINT } from "./types.ts";
import { Failure, ListValue, MapValue, NO_SUCH_OVERLOAD, type Value } from "./values.ts";

const NUMBERS = ["double", "int", "uint"] as const;
const A = param("A");
const B = param("B");
const LIST = listOf(A);
const MAP = mapOf(A, B);

/** How overloads name types. */
const NAMES: readonly (readonly [CelType, string])[] = [
  [BOOL, "bool"],
  [INT, "int64"],
  [UINT, "uint64"],
  [DOUBLE, "double"],
  [STRING, "string"],
  [BYTES, "bytes"],
  [TIMESTAMP, "timestamp"],
  [DURATION, "duration"],
];

/** Operators; those which do not evaluate all their operands have no implementation here, but in the planner. */
export const OPERATORS: readonly FunctionDeclaration[] = [
  declare("_?_:_", [overload("conditional", [BOOL, A, A], A)]),
  declare("_&&_", [overload("logical_and", [BOOL, BOOL], BOOL)]),
  declare("_||_", [overload("logical_or", [BOOL, BOOL], BOOL)]),
  declare("!_", [overload("logical_not", [BOOL], BOOL)], (value) => (typeof value === "boolean" ? !value : NO_SUCH_OVERLOAD)),
  declare("@not_strictly_false", [overload("not_strictly_false", [BOOL], BOOL)]),
  declare("_==_", [overload("equals", [A, A], BOOL)], equal),
  declare("_!=_", [overload("not_equals", [A, A], BOOL)], (a, b) => !equal(a, b)),
  declare("_+_", sums(), onlyFor("_+_", ["bytes", "double", "duration", "int", "list", "string", "timestamp", "uint"], add)),
  declare("_-_", differences(), onlyFor("_-_", ["double", "duration", "int", "timestamp", "uint"], subtract)),
  declare("_*_", same("multiply", [DOUBLE, INT, UINT]), onlyFor("_*_", NUMBERS, multiply)),
  declare("_/_", same("divide", [DOUBLE, INT, UINT]), onlyFor("_/_", NUMBERS, divide)),
  declare("_%_", same("modulo", [INT, UINT]), onlyFor("_%_", ["int", "uint"], modulo)),
  declare(
    "-_",
    [overload("negate_double", [DOUBLE], DOUBLE), overload("negate_int64", [INT], INT)],
    onlyFor("-_", ["bool", "double", "duration", "int"], negate),
  ),
  declare(
    "_<_",
    comparisons("less"),
    ordered("_<_", (order) => order < 0),
  ),
  declare(
    "_<=_",
    comparisons("less_equals"),
    ordered("_<=_", (order) => order <= 0),
  ),
  declare(
    "_>_",
    comparisons("greater"),
    ordered("_>_", (order) => order > 0),
  ),
  declare(
    "_>=_",
    comparisons("greater_equals"),
    ordered("_>=_", (order) => order >= 0),
  ),
  declare("_[_]", [overload("index_list", [LIST, INT], A), overload("index_map", [MAP, A], B)]),
  declare("@in", [overload("in_list", [A, LIST], BOOL), overload("in_map", [A, MAP], BOOL)], contains),
];

function nameOf(type: CelType): string {
  return NAMES.find(([known]) => known === type)?.[1] ?? type.name;
}

function same(name: string, types: readonly CelType[]): Overload[] {
  return types.map((type) => overload(`${name}_${nameOf(type)}`, [type, type], type));
}

function sums(): Overload[] {
  return [
    ...same("add", [BYTES, DOUBLE]),
    overload("add_duration_duration", [DURATION, DURATION], DURATION),
    overload("add_duration_timestamp", [DURATION, TIMESTAMP], TIMESTAMP),
    overload("add_timestamp_duration", [TIMESTAMP, DURATION], TIMESTAMP),
    ...same("add", [INT]),
    overload("add_list", [LIST, LIST], LIST),
    ...same("add", [STRING, UINT]),
  ];
}

function differences(): Overload[] {
  return [
    ...same("subtract", [DOUBLE]),
    overload("subtract_duration_duration", [DURATION, DURATION], DURATION),
    ...same("subtract", [INT]),
    overload("subtract_timestamp_duration", [TIMESTAMP, DURATION], TIMESTAMP),
    overload("subtract_timestamp_timestamp", [TIMESTAMP, TIMESTAMP], DURATION),
    ...same("subtract", [UINT]),
  ];
}

/** Each type with itself, and numbers of all types with one another. */
function comparisons(name: string): Overload[] {
  const numbers = [INT, UINT, DOUBLE];
  return NAMES.flatMap(([type, own]) => [
    overload(`${name}_${own}`, [type, type], BOOL),
    ...numbers.filter((other) => numbers.includes(type) && other !== type).map((other) => overload(`${name}_${own}_${nameOf(other)}`, [type, other], BOOL)),
  ]);
}

function ordered(name: string, holds: (order: number) => boolean): Implementation {
  return onlyFor(name, ["bool", "bytes", "double", "duration", "int", "string", "timestamp", "uint"], (a, b) => {
    const order = compare(a, b);
    return order instanceof Failure ? order : holds(order);
  });
}

function contains(value: Value, container: Value): Value {
  if (container instanceof MapValue) return container.get(value) !== undefined;
  if (!(container instanceof ListValue)) return NO_SUCH_OVERLOAD;
  let failure: Failure | undefined;
  for (const item of container) {
    const found = comparing(() => (container.isTyped ? equal(item, value) : equal(value, item)));
    if (found === true) return true;
    if (found instanceof Failure) failure ??= found;
  }
  return failure ?? false;
}
