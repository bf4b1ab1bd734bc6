import assert from "node:assert/strict";
import { before, test } from "node:test";

import type { KubeObject } from "#apimachinery/object.ts";
import { loadRuleEngine } from "#apimachinery/rules/load.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";

import { customStrategy } from "./strategy.ts";

const schema: JsonSchema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      required: ["size"],
      properties: { size: { type: "integer" }, name: { type: "string", "x-kubernetes-validations": [{ rule: "self != 'never'" }] } },
      "x-kubernetes-validations": [{ rule: "self.size >= oldSelf.size", message: "may not shrink" }],
    },
    status: { type: "object", properties: { left: { type: "integer", "x-kubernetes-validations": [{ rule: "self >= 0" }] } } },
  },
};
const strategy = customStrategy({ apiVersion: "example.com/v1", kind: "Thing", schema, scale: undefined, selectableFields: [] });
const thing = (spec: object, status?: object) =>
  ({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "a" }, spec, ...(status && { status }) }) as unknown as KubeObject;
const textsOf = (errors: readonly { readonly field: string; readonly text: string }[]) => errors.map(({ field, text }) => `${field}: ${text}`);

before(() => loadRuleEngine());

test("customStrategy() asks for the language only where there are rules", () => {
  const plain = customStrategy({ apiVersion: "example.com/v1", kind: "Thing", schema: { type: "object" }, scale: undefined, selectableFields: [] });
  assert.equal(plain.load?.(thing({})), undefined);
});

test("customStrategy() holds new objects, updates and status against rules", () => {
  assert.deepEqual(textsOf(strategy.validateCreate!(thing({ size: 1, name: "never" }))), ["spec.name: Invalid value: \"never\": failed rule: self != 'never'"]);
  assert.deepEqual(textsOf(strategy.validateUpdate!(thing({ size: 1 }), thing({ size: 2 }))), ["spec: Invalid value: may not shrink"]);
  const status = strategy.subresources!["status"]!;
  assert.deepEqual(textsOf(status.validateUpdate!(thing({ size: 1 }, { left: -1 }), thing({ size: 1 }, { left: 0 }))), [
    "status.left: Invalid value: -1: failed rule: self >= 0",
  ]);
});

test("customStrategy() checks no rules of an object of the wrong form, and says so", () => {
  assert.deepEqual(textsOf(strategy.validateCreate!(thing({ name: "never" }))), [
    "spec.size: Required value",
    "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
  ]);
});

test("customStrategy() warns of rules that did not hold before either", () => {
  const warnings: string[] = [];
  const errors = strategy.validateUpdate!(thing({ size: 2, name: "never" }), thing({ size: 1, name: "never" }), {
    metadataErrors: [],
    warn: (text) => warnings.push(text),
  });
  assert.deepEqual([errors, warnings], [[], ["spec.name: Invalid value: \"never\": failed rule: self != 'never'"]]);
});
