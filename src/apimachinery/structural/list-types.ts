import { isObject } from "#apimachinery/decode/own.ts";
import { type FieldError, type FieldPath, fieldError } from "#apimachinery/field-error.ts";

import { sorted } from "./findings.ts";
import { additionalOf, itemsOf, type JsonSchema, propertyOf } from "./json-schema.ts";

/**
 * Elements that may stand in a set or map once only.
 *
 * @see apiextensions-apiserver pkg/apiserver/schema/listtype
 */
export function validateListTypes(path: FieldPath, value: unknown, schema: JsonSchema): FieldError[] {
  if (Array.isArray(value)) return listErrors(path, value, schema);
  if (!isObject(value)) return [];
  return Object.keys(value).flatMap((name) => {
    const more = additionalOf(schema);
    const own = propertyOf(schema, name);
    return [
      ...(more === undefined ? [] : validateListTypes(path.key(name), value[name], more)),
      ...(own === undefined ? [] : validateListTypes(path.child(name), value[name], own)),
    ];
  });
}

function listErrors(path: FieldPath, list: readonly unknown[], schema: JsonSchema): FieldError[] {
  const type = schema["x-kubernetes-list-type"];
  const items = itemsOf(schema);
  const own =
    type === "set" ? repeated(list).map((i) => fieldError.duplicate(path.index(i), sorted(list[i]))) : type === "map" ? mapErrors(path, list, schema) : [];
  return [...own, ...(items === undefined ? [] : list.flatMap((item, i) => validateListTypes(path.index(i), item, items)))];
}

function mapErrors(path: FieldPath, list: readonly unknown[], schema: JsonSchema): FieldError[] {
  const wrong = list.findIndex((item) => item !== null && !isObject(item));
  if (wrong >= 0) return [fieldError.invalid(path.index(wrong), list[wrong], "must be an object for an array of list-type map")];
  const names = schema["x-kubernetes-list-map-keys"] ?? [];
  const keys = list.map((item) =>
    isObject(item) ? Object.fromEntries(names.filter((name) => Object.hasOwn(item, name)).map((name) => [name, item[name]])) : {},
  );
  return repeated(keys).map((i) => fieldError.duplicate(path.index(i), sorted(keys[i])));
}

/** Where an element stands for the second time; of its later ones nothing is told. */
function repeated(list: readonly unknown[]): number[] {
  const seen = new Map<string, number>();
  return list.flatMap((item, i) => {
    const text = JSON.stringify(sorted(item));
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    return times === 2 ? [i] : [];
  });
}
