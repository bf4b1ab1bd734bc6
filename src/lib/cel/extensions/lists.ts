import type { Expr } from "../ast.ts";
import { compare, equal } from "../compare.ts";
import { declare, type FunctionDeclaration, type Implementation, member, overload } from "../declarations.ts";
import { typeOfValue } from "../inspect.ts";
import { type Macro, macroKey, STANDARD_MACROS } from "../macros.ts";
import { MacroError } from "../expr-builder.ts";
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, DYN, INT, listOf, param, sameType, STRING, TIMESTAMP, UINT } from "../types.ts";
import { ArrayList, Failure, ListValue, NO_SUCH_OVERLOAD, type Value } from "../values.ts";

const T = param("T");
const LIST = listOf(T);

/** Types whose values have an order. */
export const COMPARABLE: readonly CelType[] = [INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES];

/** What a call may make of a number: more is a mistake or an attack. */
const MAX_RANGE = 10_000_000;

/** cel-go's lists extension, version 3. */
export const LIST_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare("slice", [member("list_slice", [LIST, INT, INT], LIST, onList(slice))]),
  declare("flatten", [
    member(
      "list_flatten",
      [listOf(LIST)],
      LIST,
      onList((list) => flatten(list, 1n)),
    ),
    member("list_flatten_int", [listOf(DYN), INT], listOf(DYN), onList(flatten)),
  ]),
  declare(
    "sort",
    COMPARABLE.map((type) => member(`list_${type.name}_sort`, [listOf(type)], listOf(type))),
    onList((list) => sortBy(list, list)),
  ),
  declare(
    "@sortByAssociatedKeys",
    COMPARABLE.map((type) => member(`list_${type.name}_sortByAssociatedKeys`, [LIST, listOf(type)], LIST)),
    onList((list, keys) => (keys instanceof ListValue ? sortBy(list, keys) : NO_SUCH_OVERLOAD)),
  ),
  declare("lists.range", [overload("lists_range", [INT], listOf(INT), range)]),
  declare("reverse", [
    member(
      "list_reverse",
      [LIST],
      LIST,
      onList((list) => new ArrayList([...list].reverse())),
    ),
  ]),
  declare("distinct", [member("list_distinct", [LIST], LIST, onList(distinct))]),
];

export const LIST_MACROS: ReadonlyMap<string, Macro> = new Map([[macroKey("sortBy", 2, true), sortByMacro]]);

function onList(run: (list: ListValue, ...rest: Value[]) => Value): Implementation {
  return (list, ...rest) => (list instanceof ListValue ? run(list, ...rest) : NO_SUCH_OVERLOAD);
}

function slice(list: ListValue, start: Value, end: Value): Value {
  const [from, to] = [Number(start), Number(end)];
  const refused = (why: string): Failure => new Failure(`cannot slice(${from}, ${to}), ${why}`);
  if (from < 0 || to < 0) return refused("negative indexes not supported");
  if (from > to) return refused("start index must be less than or equal to end index");
  return list.size < to ? refused(`list is length ${list.size}`) : new ArrayList([...list].slice(from, to));
}

function flatten(list: ListValue, depth: Value): Value {
  if (Number(depth) < 0) return new Failure("level must be non-negative");
  const flat = (inner: ListValue, level: number): Value[] =>
    [...inner].flatMap((item) => (item instanceof ListValue && level > 0 ? flat(item, level - 1) : [item]));
  return new ArrayList(flat(list, Number(depth)));
}

function range(count: Value): Value {
  if (typeof count !== "bigint") return NO_SUCH_OVERLOAD;
  if (count > MAX_RANGE) return new Failure(`range of ${count} is too large`);
  return new ArrayList(Array.from({ length: Math.max(0, Number(count)) }, (_, i) => BigInt(i)));
}

function sortBy(list: ListValue, keys: ListValue): Value {
  if (list.size !== keys.size) {
    return new Failure(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${list.size} and ${keys.size} elements respectively`,
    );
  }
  const all = [...keys];
  const [first] = all;
  if (first === undefined) return list;
  if (all.some((key) => !sameType(typeOfValue(key), typeOfValue(first)))) return new Failure("list elements must have the same type");
  if (compare(first, first) instanceof Failure) return new Failure("list elements must be comparable");
  const order = all.map((_, i) => i).sort((a, b) => Number(compare(all[a]!, all[b]!)));
  return new ArrayList(order.map((i) => list.get(i)));
}

function distinct(list: ListValue): Value {
  const unique: Value[] = [];
  for (const item of list) if (!unique.some((other) => equal(item, other))) unique.push(item);
  return new ArrayList(unique);
}

const INPUT = "@__sortBy_input__";

/** `list.sortBy(e, key)`: binds the list, so that it is computed once, and sorts it by the list of keys. */
function sortByMacro(call: Parameters<Macro>[0]): Expr | MacroError {
  const { build, offset, args } = call;
  const target = call.target!;
  const { kind } = target.node;
  if (!["list", "select", "ident", "comprehension", "call"].includes(kind)) {
    return new MacroError(target.id, "sortBy can only be applied to a list, identifier, comprehension, call or select expression");
  }
  const map = STANDARD_MACROS.get(macroKey("map", 2, true))!;
  const step = build.ident(offset, INPUT);
  const keys = map({ build, offset, target: build.ident(offset, INPUT), args });
  if (keys instanceof MacroError) return keys;
  return build.expr(offset, {
    kind: "comprehension",
    iterRange: build.list(offset),
    iterVar: "#unused",
    iterVar2: undefined,
    accuVar: INPUT,
    accuInit: target,
    loopCondition: build.literal(offset, false),
    loopStep: step,
    result: build.memberCall(offset, "@sortByAssociatedKeys", build.ident(offset, INPUT), keys),
  });
}
