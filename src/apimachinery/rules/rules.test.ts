import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";

import { FieldPath } from "#apimachinery/field-error.ts";
import { Correlation } from "#apimachinery/structural/correlation.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";

import { ruleTree } from "./rule-tree.ts";
import { type RuleResult, validateRules } from "./validate-rules.ts";

/** A schema with rules, objects, and what upstream made of them. */
interface Case {
  readonly schema: JsonSchema;
  readonly object: unknown;
  readonly old?: unknown;
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
  readonly left: number;
}

const BUDGET = 10_000_000;

function check(schema: JsonSchema, value: unknown, old?: unknown, budget = BUDGET): RuleResult {
  const tree = ruleTree(schema, true);
  assert.ok(tree !== undefined);
  const correlation = old === undefined ? undefined : new Correlation(value, old, schema);
  return validateRules(new FieldPath(), tree, { value, old, correlation }, budget);
}

const textsOf = (errors: RuleResult["errors"]) => errors.map(({ field, text }) => `${field}: ${text}`.replaceAll(/selfType\d+/g, "selfType"));
const errorsOf = (...args: Parameters<typeof check>) => textsOf(check(...args).errors);

describe("validateRules() does as upstream does", () => {
  const cases = JSON.parse(readFileSync(new URL("cases/random.json", import.meta.url), "utf8")) as Case[];
  for (const [i, { schema, object, old, errors = [], warnings = [], left }] of cases.entries()) {
    test(`with random schema ${i}`, () => {
      const result = check(schema, object, old);
      // Upstream visits members in any order.
      const found = { errors: textsOf(result.errors).sort(), warnings: textsOf(result.warnings).sort(), left: result.budget };
      assert.deepEqual(found, { errors: [...errors].sort(), warnings: [...warnings].sort(), left });
    });
  }
});

/** An object whose field `a` is of that schema. */
const within = (a: JsonSchema, rules: JsonSchema["x-kubernetes-validations"]): JsonSchema => ({
  type: "object",
  properties: { a: { ...a, "x-kubernetes-validations": rules } },
});

const WRONG_ITEM = 'a: Invalid value: "array": invalid data, expected int, got string evaluating rule: self == self';

for (const { name, a, rule, value, want } of [
  { name: "a name with a dash", a: { type: "object", properties: { "b-c": { type: "integer" } } }, rule: "self.b__dash__c > 1", value: { "b-c": 2 } },
  {
    name: "a reserved word, as it is",
    a: { type: "object", properties: { namespace: { type: "string" } } },
    rule: "self.namespace == 'x'",
    value: { namespace: "x" },
  },
  { name: "a null as nothing", a: { type: "object", properties: { b: { type: "string", nullable: true } } }, rule: "!has(self.b)", value: { b: null } },
  { name: "a moment", a: { type: "string", format: "date-time" }, rule: "self.getFullYear() == 2024", value: "2024-02-29T12:00:00Z" },
  { name: "a day", a: { type: "string", format: "date" }, rule: "self > timestamp('2024-01-01T00:00:00Z')", value: "2024-02-29" },
  { name: "a duration in words", a: { type: "string", format: "duration" }, rule: "self == duration('504h')", value: "3 weeks" },
  { name: "bytes", a: { type: "string", format: "byte" }, rule: "self == b'abc'", value: "YWJj" },
  { name: "a number that is whole", a: { type: "number" }, rule: "self == 2.0", value: 2 },
  { name: "either of two types", a: { "x-kubernetes-int-or-string": true }, rule: "type(self) == string ? self == '50%' : self < 3", value: "50%" },
  {
    name: "a set, whatever its order",
    a: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
    rule: "self == ['y', 'x'] && (self + ['x', 'z']).size() == 3",
    value: ["x", "y"],
  },
  {
    name: "the kind of an embedded resource",
    a: { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
    rule: "self.kind == 'Pod' && self.metadata.name == 'p'",
    value: { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } },
  },
  { name: "a loop over a map", a: { type: "object", additionalProperties: { type: "integer" } }, rule: "self.all(k, self[k] > 0)", value: { x: 1, y: 2 } },
  {
    name: "a division by nothing",
    a: { type: "integer" },
    rule: "1 / self > 0",
    value: 0,
    want: ['a: Invalid value: "integer": division by zero evaluating rule: 1 / self > 0'],
  },
  { name: "an old value that is wrong", a: { type: "array", items: { type: "integer" } }, rule: "self == self", value: ["x"], want: [WRONG_ITEM] },
  {
    name: "integers that no double holds",
    a: { type: "array", items: { type: "integer" }, "x-kubernetes-list-type": "set" },
    rule: "9007199254740993 in self && (self + [9007199254740992, 9007199254740993])[2] == 9007199254740992",
    value: [9007199254740993n, 1],
  },
  {
    name: "a list beside a null",
    a: { type: "array", items: { type: "array", nullable: true, items: { type: "string" } } },
    rule: "self == self.reverse()",
    value: [["x"], null],
    want: [
      `a: Invalid value: "array": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self == self.reverse()`,
    ],
  },
  {
    name: "a null in a text that is joined",
    a: { type: "array", items: { type: "string", nullable: true } },
    rule: "self.join('') != ''",
    value: ["x", null],
    want: [`a: Invalid value: "array": join: invalid input: 0 evaluating rule: self.join('') != ''`],
  },
  { name: "what is not like something wrong", a: { type: "array", items: { type: "integer" } }, rule: "self != self", value: ["x"] },
  {
    name: "a list and a number",
    a: { type: "array", items: { type: "integer" } },
    rule: "dyn(self) == 1",
    value: [1],
    want: [
      `a: Invalid value: "array": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: dyn(self) == 1`,
    ],
  },
  {
    name: "what cannot be compared",
    a: { "x-kubernetes-int-or-string": true },
    rule: "self < 3",
    value: "x",
    want: [`a: Invalid value: "": 'no such overload': call arguments did not match a supported operator, function or macro signature for rule: self < 3`],
  },
] as { name: string; a: JsonSchema; rule: string; value: unknown; want?: string[] }[]) {
  test(`validateRules() judges ${name}`, () => assert.deepEqual(errorsOf(within(a, [{ rule }]), { a: value }), want ?? []));
}

test("validateRules() tells of a rule by its reason, message and place", () => {
  const a = { type: "object", properties: { b: { type: "integer" } } };
  const told = (rule: object) => errorsOf(within(a, [{ rule: "self.b > 5", ...rule }]), { a: { b: 1 } });
  assert.deepEqual(told({}), ["a: Invalid value: failed rule: self.b > 5"]);
  assert.deepEqual(told({ message: " too few " }), ["a: Invalid value: too few"]);
  assert.deepEqual(told({ message: "m", messageExpression: "'only ' + string(self.b)" }), ["a: Invalid value: only 1"]);
  assert.deepEqual(told({ message: "m", messageExpression: "string(1 / (self.b - 1))" }), ["a: Invalid value: m"]);
  assert.deepEqual(told({ reason: "FieldValueForbidden", fieldPath: ".b" }), ["a.b: Forbidden: failed rule: self.b > 5"]);
  assert.deepEqual(told({ reason: "FieldValueDuplicate" }), ["a: Duplicate value"]);
});

test("validateRules() ends when the budget does", () => {
  const schema = within({ type: "integer" }, [{ rule: "self > 5" }, { rule: "self > 6" }]);
  const { errors, budget } = check(schema, { a: 1 }, undefined, 3);
  assert.deepEqual(textsOf(errors), [
    "a: Invalid value: 1: failed rule: self > 5",
    'a: Invalid value: "integer": validation failed due to running out of cost budget, no further validation rules will be run',
  ]);
  assert.equal(budget, -1);
});

test("validateRules() ends an expression that goes on for too long", () => {
  const list = { type: "array", items: { type: "integer" } };
  const rule = "self.all(x, self.all(y, self.all(z, x + y + z >= 0)))";
  const [text] = errorsOf(within(list, [{ rule }]), { a: Array.from({ length: 200 }, () => 1) });
  const why = "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit";
  assert.equal(text, `a: Invalid value: "array": ${why} for rule: ${rule}`);
});

test("validateRules() compares elements of a list by keys with what they were", () => {
  const items: JsonSchema = {
    type: "object",
    properties: { k: { type: "string" }, v: { type: "integer" } },
    "x-kubernetes-validations": [{ rule: "self.v >= oldSelf.v" }],
  };
  const schema = within({ type: "array", items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"] }, undefined);
  const before = {
    a: [
      { k: "x", v: 1 },
      { k: "y", v: 5 },
    ],
  };
  const now = {
    a: [
      { k: "y", v: 4 },
      { k: "x", v: 2 },
      { k: "z", v: 0 },
    ],
  };
  assert.deepEqual(errorsOf(schema, now, before), ["a[0]: Invalid value: failed rule: self.v >= oldSelf.v"]);
});

test("validateRules() gives transition rules an old value only where they can do without", () => {
  const rules = [{ rule: "self == oldSelf" }, { rule: "oldSelf.hasValue() || self == 1", optionalOldSelf: true }];
  assert.deepEqual(errorsOf(within({ type: "integer" }, rules), { a: 2 }), ["a: Invalid value: 2: failed rule: oldSelf.hasValue() || self == 1"]);
  assert.deepEqual(errorsOf(within({ type: "integer" }, rules), { a: 2 }, { a: 2 }), []);
});

test("validateRules() warns of what did not change, and refuses what did", () => {
  const schema = within({ type: "string" }, [{ rule: "self.size() > 3" }]);
  const kept = check(schema, { a: "x", b: 1 }, { a: "x", b: 2 });
  assert.deepEqual([textsOf(kept.errors), textsOf(kept.warnings)], [[], ['a: Invalid value: "x": failed rule: self.size() > 3']]);
  assert.equal(check(schema, { a: "y" }, { a: "x" }).errors.length, 1);
});

const SIMPLE: fc.Arbitrary<{ schema: JsonSchema; value: fc.Arbitrary<unknown> }> = fc.constantFrom(
  { schema: { type: "string", maxLength: 10 }, value: fc.string({ maxLength: 5 }) },
  { schema: { type: "integer" }, value: fc.integer() },
  { schema: { type: "boolean" }, value: fc.boolean() },
  { schema: { type: "number" }, value: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { schema: { type: "array", maxItems: 3, items: { type: "string" } }, value: fc.array(fc.string(), { maxLength: 3 }) },
);
const RULES = ["self != self", "type(self) == null_type", "false", "[self].size() == 0"];

test("validateRules() never refuses an object that did not change", () => {
  const subject = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), SIMPLE, { minKeys: 1, maxKeys: 4 }).chain((fields) =>
    fc.record({
      schema: fc.record({ rules: fc.array(fc.constantFrom(...RULES), { minLength: 1, maxLength: 3 }) }).map(
        ({ rules }): JsonSchema => ({
          type: "object",
          properties: Object.fromEntries(
            Object.entries(fields).map(([name, { schema }]) => [name, { ...schema, "x-kubernetes-validations": rules.map((rule) => ({ rule })) }]),
          ),
          "x-kubernetes-validations": rules.filter((rule) => !rule.includes("type(")).map((rule) => ({ rule })),
        }),
      ),
      value: fc.record(Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [name, value]))),
    }),
  );
  fc.assert(
    fc.property(subject, ({ schema, value }) => {
      const { errors, warnings } = check(schema, value, structuredClone(value));
      assert.deepEqual(errors, []);
      assert.equal(warnings.length, check(schema, value).errors.length);
    }),
    { numRuns: 100 },
  );
});

test("validateRules() can say that a value is what it is, whatever its type", () => {
  fc.assert(
    fc.property(
      SIMPLE.chain(({ schema, value }) => value.map((each) => ({ schema, value: each }))),
      ({ schema, value }) =>
        assert.deepEqual(errorsOf(within(schema, [{ rule: "self == self && [self][0] == self && dyn(self) in [self]" }]), { a: value }), []),
    ),
  );
});
