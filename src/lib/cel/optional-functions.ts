import { declare, type FunctionDeclaration, member, overload } from "./declarations.ts";
import { printValue } from "./inspect.ts";
import { BOOL, DYN, INT, listOf, mapOf, optionalOf, param, STRING } from "./types.ts";
import { ArrayList, Failure, ListValue, MapValue, NO_SUCH_OVERLOAD, Optional, Uint, type Value } from "./values.ts";

const V = param("V");
const K = param("K");
const OPTIONAL = optionalOf(V);
const LIST = listOf(V);
const MAP = mapOf(K, V);

/** Optional values; `or`, `orValue` and the selections are done by the planner. */
export const OPTIONAL_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare("optional.of", [overload("optional_of", [V], OPTIONAL)], (value) => new Optional(value)),
  declare("optional.ofNonZeroValue", [overload("optional_ofNonZeroValue", [V], OPTIONAL)], (value) => (isZero(value) ? Optional.NONE : new Optional(value))),
  declare("optional.none", [overload("optional_none", [], OPTIONAL)], () => Optional.NONE),
  declare("value", [member("optional_value", [OPTIONAL], V)], (value) => (value instanceof Optional ? contentOf(value) : NO_SUCH_OVERLOAD)),
  declare("hasValue", [member("optional_hasValue", [OPTIONAL], BOOL)], (value) => (value instanceof Optional ? value.value !== undefined : NO_SUCH_OVERLOAD)),
  declare("or", [member("optional_or_optional", [OPTIONAL, OPTIONAL], OPTIONAL)]),
  declare("orValue", [member("optional_orValue_value", [OPTIONAL, V], V)]),
  declare("_?._", [overload("select_optional_field", [DYN, STRING], OPTIONAL)]),
  declare("_[?_]", [
    overload("list_optindex_optional_int", [LIST, INT], OPTIONAL),
    overload("optional_list_optindex_optional_int", [optionalOf(LIST), INT], OPTIONAL),
    overload("map_optindex_optional_value", [MAP, K], OPTIONAL),
    overload("optional_map_optindex_optional_value", [optionalOf(MAP), K], OPTIONAL),
  ]),
  declare("_[_]", [
    overload("optional_list_index_int", [optionalOf(LIST), INT], OPTIONAL),
    overload("optional_map_index_value", [optionalOf(MAP), K], OPTIONAL),
  ]),
  declare("last", [member("list_last", [LIST], OPTIONAL, (list) => elementAt(list, -1))]),
  declare("first", [member("list_first", [LIST], OPTIONAL, (list) => elementAt(list, 0))]),
  declare("optional.unwrap", [overload("optional_unwrap", [listOf(OPTIONAL)], LIST, unwrap)]),
  declare("unwrapOpt", [member("optional_unwrapOpt", [listOf(OPTIONAL)], LIST, unwrap)]),
];

function contentOf({ value }: Optional): Value {
  return value === undefined ? new Failure("optional.none() dereference") : value;
}

function isZero(value: Value): boolean {
  if (value instanceof ListValue || value instanceof MapValue) return value.size === 0;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  return value === null || value === false || value === 0n || value === 0 || value === "";
}

function elementAt(list: Value, index: number): Value {
  if (!(list instanceof ListValue)) return NO_SUCH_OVERLOAD;
  return list.size === 0 ? Optional.NONE : new Optional(list.get(index < 0 ? list.size + index : index));
}

function unwrap(list: Value): Value {
  if (!(list instanceof ListValue)) return NO_SUCH_OVERLOAD;
  const values: Value[] = [];
  for (const item of list) {
    if (!(item instanceof Optional)) return new Failure(`value ${printValue(item)} is not optional`);
    if (item.value !== undefined) values.push(item.value);
  }
  return new ArrayList(values);
}
