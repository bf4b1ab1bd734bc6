import assert from "node:assert/strict";
import { test } from "node:test";

import { FieldPath } from "#apimachinery/field-error.ts";

import { Correlation } from "./correlation.ts";
import type { JsonSchema } from "./json-schema.ts";
import { validateValue } from "./validate-value.ts";

const textsOf = (value: unknown, schema: JsonSchema, earlier?: unknown) =>
  validateValue(new FieldPath(), value, schema, earlier === undefined ? undefined : new Correlation(value, earlier, schema)).map(
    ({ field, text }) => `${field}: ${text}`,
  );

const within = (a: JsonSchema): JsonSchema => ({ type: "object", properties: { a } });

for (const { name, schema, value, want } of [
  { name: "a wrong type", schema: { type: "integer" }, value: "1", want: 'a: Invalid value: "string": a in body must be of type integer: "string"' },
  { name: "a whole number that is a float", schema: { type: "number" }, value: 1, want: undefined },
  {
    name: "an empty text where one is asked for",
    schema: { type: "string", minLength: 1 },
    value: "",
    want: 'a: Invalid value: "": a in body should be at least 1 chars long',
  },
  { name: "characters, not units", schema: { type: "string", maxLength: 1 }, value: "😀", want: undefined },
  {
    name: "a bound that is excluded",
    schema: { type: "integer", maximum: 4, exclusiveMaximum: true },
    value: 4,
    want: "a: Invalid value: 4: a in body should be less than 4",
  },
  { name: "a multiple of a fraction", schema: { type: "number", multipleOf: 0.1 }, value: 0.3, want: undefined },
  { name: "an enum", schema: { type: "string", enum: ["x", "y"] }, value: "z", want: 'a: Unsupported value: "z": supported values: "x", "y"' },
  { name: "an enum of whole numbers", schema: { type: "number", enum: [1, 2] }, value: 1.5, want: undefined },
  { name: "a null", schema: { type: "string" }, value: null, want: 'a: Invalid value: "null": a in body must be of type string: "null"' },
  { name: "a null that may be", schema: { type: "string", nullable: true }, value: null, want: undefined },
  { name: "too many items", schema: { type: "array", maxItems: 1 }, value: [1, 2], want: "a: Too many: 2: must have at most 1 item" },
  { name: "a member that is missing", schema: { type: "object", required: ["x"] }, value: {}, want: "a.x: Required value" },
  {
    name: "neither of two",
    schema: { "x-kubernetes-int-or-string": true },
    value: true,
    want: 'a: Invalid value: "boolean": a in body must be of type integer,string: "boolean"',
  },
  { name: "a format", schema: { type: "string", format: "ipv4" }, value: "::1", want: 'a: Invalid value: "::1": a in body must be of type ipv4: "::1"' },
  {
    name: "an exclusion",
    schema: { type: "string", not: { enum: ["x"] } },
    value: "x",
    want: '<nil>: Invalid value: "": "a" must not validate the schema (not)',
  },
] as { name: string; schema: JsonSchema; value: unknown; want: string | undefined }[]) {
  test(`validateValue() judges ${name}`, () => assert.deepEqual(textsOf({ a: value }, within(schema)), want === undefined ? [] : [want]));
}

test("validateValue() tells of the alternative that fits best", () => {
  const anyOf = [{ required: ["x"] }, { required: ["y"], minProperties: 1 }];
  assert.deepEqual(textsOf({ a: { z: 1 } }, within({ type: "object", anyOf })), [
    '<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)',
    "a.x: Required value",
  ]);
});

test("validateValue() lets pass what did not change", () => {
  const schema = within({ type: "string", maxLength: 1 });
  assert.deepEqual(textsOf({ a: "long" }, schema, { a: "long" }), []);
  assert.deepEqual(textsOf({ a: "longer" }, schema, { a: "long" }), ["a: Too long: may not be more than 1 bytes".replace("bytes", "byte")]);
});

test("validateValue() tells elements of a list by keys from one another, of others not", () => {
  const items: JsonSchema = { type: "object", properties: { k: { type: "string" }, v: { type: "string", maxLength: 1 } } };
  const byKey = within({ type: "array", items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] });
  const before = { a: [{ k: "x", v: "long" }] };
  const now = {
    a: [
      { k: "y", v: "1" },
      { k: "x", v: "long" },
    ],
  };
  assert.deepEqual(textsOf(now, byKey, before), []);
  assert.equal(textsOf(now, within({ type: "array", items }), before).length, 1);
});

test("validateValue() lets nothing pass within alternatives, nor what its schema does not know", () => {
  const inner: JsonSchema = { type: "object", properties: { x: { type: "string" } }, allOf: [{ properties: { x: { maxLength: 1 } } }] };
  const old = { a: { x: "long" } };
  assert.deepEqual(textsOf(old, within(inner), old), []);
  assert.equal(textsOf({ a: { x: "long", y: 1 } }, within({ ...inner, properties: { ...inner.properties, y: { type: "integer" } } }), old).length, 2);
  const open: JsonSchema = { type: "object", "x-kubernetes-preserve-unknown-fields": true, minProperties: 2 };
  assert.equal(textsOf({ a: { z: 1 } }, within(open), { a: { z: 1 } }).length, 1);
});
