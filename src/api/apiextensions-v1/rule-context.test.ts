import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";

import { customResourceDefinitionStrategy as strategy } from "#api/apiextensions-v1/strategy.ts";
import type { CustomResourceDefinition as Definition } from "#api/apiextensions-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";

function defined(openAPIV3Schema: JsonSchema): Definition {
  const definition = {
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "things", kind: "Thing" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema } }],
    },
    status: {},
  } as unknown as Definition;
  strategy.applyDefaults?.(definition as Mutable<Definition>);
  strategy.prepareForCreate?.(definition as Mutable<Definition>, undefined as never);
  return definition;
}

const WHERE = "spec.validation.openAPIV3Schema";
const textsOf = (errors: readonly { readonly field: string; readonly text: string }[]) =>
  errors.map(({ field, text }) => `${field}: ${text}`.replaceAll(/selfType\d+/g, "selfType"));
const told = (schema: JsonSchema) => textsOf(strategy.validateCreate!(defined(schema))).map((text) => text.replace(`${WHERE}.properties[a].`, ""));
const within = (a: JsonSchema): JsonSchema => ({ type: "object", properties: { a } });
const withRule = (a: JsonSchema, rule: object): JsonSchema => within({ ...a, "x-kubernetes-validations": [{ rule: "true", ...rule }] });

before(() => strategy.load!(defined(withRule({ type: "string" }, {}))));

describe("definitions with rules are refused as upstream refuses them", () => {
  const file = new URL("../../apimachinery/rules/cases/random.json", import.meta.url);
  const cases = JSON.parse(readFileSync(file, "utf8")) as { readonly schema: JsonSchema; readonly definition?: readonly string[] }[];
  for (const [i, { schema, definition = [] }] of cases.entries()) {
    test(`with random schema ${i}`, () => assert.deepEqual(textsOf(strategy.validateCreate!(defined(schema))).sort(), [...definition].sort()));
  }
});

const ADVICE = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
const printed = (rule: string, message = "", old: boolean | null = null) =>
  JSON.stringify({ Rule: rule, Message: "", MessageExpression: message, Reason: null, FieldPath: "", OptionalOldSelf: old });
const strings: JsonSchema = { type: "array", items: { type: "string" } };

for (const { name, schema, want } of [
  { name: "a rule that compiles", schema: withRule({ type: "string" }, { rule: "self.size() > 3" }), want: [] },
  {
    name: "a rule that says neither yes nor no",
    schema: withRule({ type: "integer" }, { rule: "self + 1" }),
    want: [`x-kubernetes-validations[0].rule: Invalid value: ${printed("self + 1")}: cel expression must evaluate to a bool`],
  },
  {
    name: "a message that is no text",
    schema: withRule({ type: "integer" }, { rule: "true", messageExpression: "self" }),
    want: [`x-kubernetes-validations[0].messageExpression: Invalid value: ${printed("true", "self")}: messageExpression must evaluate to a string`],
  },
  {
    name: "a rule that may cost too much",
    schema: withRule(strings, { rule: "self.all(x, self.all(y, x == y))" }),
    want: [
      `x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${ADVICE}`,
      "x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema",
      `${WHERE}: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${ADVICE}`,
    ],
  },
  {
    name: "a transition where old values cannot be found",
    schema: within({ type: "array", maxItems: 9, items: { type: "string", maxLength: 9, "x-kubernetes-validations": [{ rule: "self == oldSelf" }] } }),
    want: [
      `items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within ${WHERE}.properties[a]`,
    ],
  },
  {
    name: "an old value that may be missing and is not asked for",
    schema: withRule({ type: "integer" }, { rule: "self > 1", optionalOldSelf: true }),
    want: ["x-kubernetes-validations[0].optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"],
  },
  { name: "a default that is null", schema: withRule({ type: "integer", default: null }, { rule: "self > 1" }), want: [] },
  {
    name: "a default that a rule refuses",
    schema: withRule({ type: "integer", default: 1 }, { rule: "self > 1" }),
    want: ["default: Invalid value: 1: failed rule: self > 1"],
  },
] as { name: string; schema: JsonSchema; want: string[] }[]) {
  test(`validateCreate() judges ${name}`, () => assert.deepEqual(told(schema), want));
}

test("validateCreate() names where bounds are missing until all are given", () => {
  const rule = "self.all(x, self.exists(y, x == y))";
  assert.equal(told(withRule(strings, { rule })).length > 0, true);
  assert.deepEqual(told(withRule({ type: "array", maxItems: 100, items: { type: "string", maxLength: 50 } }, { rule })), []);
});

test("validateUpdate() does not refuse what an expression costs in a schema that did not change", () => {
  const costly = withRule({ type: "array", maxItems: 3000, items: { type: "string", maxLength: 30 } }, { rule: "self.all(x, self.exists(y, x == y))" });
  const before = defined(costly);
  const texts = textsOf(strategy.validateUpdate!(before, before)).filter((text) => text.includes("estimated rule cost exceeds"));
  assert.deepEqual(texts, []);
  assert.equal(told(costly).filter((text) => text.includes("estimated rule cost exceeds")).length, 1);
});
