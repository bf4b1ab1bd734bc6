import { isQuantity, parseQuantity } from "#apimachinery/quantity.ts";
import type { Schema } from "#apimachinery/schema/schema.ts";

import { getOwn, isObject, type JsonObject, setOwn } from "./own.ts";

/** The value with every quantity as its bare amount, so that `64Mi` and `67108864` compare as equal; shares what has none. */
export function comparable(schema: Schema, value: unknown): unknown {
  switch (schema.kind) {
    case "scalar":
      return schema.type === "quantity" && typeof value === "string" && isQuantity(value) ? amountOf(value) : value;
    case "list":
      return Array.isArray(value) ? mapped(value, (item) => comparable(schema.items, item)) : value;
    case "map":
      return isObject(value) ? withMembers(value, (_, member) => comparable(schema.values, member)) : value;
    case "struct":
      return isObject(value) ? withMembers(value, (name, member) => comparable(schema.fields.get(name)?.schema ?? ANY, member)) : value;
    case "any":
      return value;
  }
}

const ANY: Schema = { kind: "any" };

function amountOf(text: string): string {
  const { digits, exponent } = parseQuantity(text);
  if (digits === 0n) return "0";
  const decimal = digits.toString();
  let end = decimal.length;
  while (decimal[end - 1] === "0") end--;
  return `${decimal.slice(0, end)}e${exponent + decimal.length - end}`;
}

function mapped(list: readonly unknown[], form: (item: unknown) => unknown): readonly unknown[] {
  const forms = list.map(form);
  return forms.every((item, i) => item === list[i]) ? list : forms;
}

function withMembers(object: JsonObject, form: (name: string, member: unknown) => unknown): JsonObject {
  let copy: JsonObject | undefined;
  for (const name of Object.keys(object)) {
    const member = getOwn(object, name);
    const next = form(name, member);
    if (next === member) continue;
    copy ??= { ...object };
    setOwn(copy, name, next);
  }
  return copy ?? object;
}
