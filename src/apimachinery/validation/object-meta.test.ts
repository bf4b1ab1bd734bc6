import assert from "node:assert/strict";
import { test } from "node:test";

import type { FieldError } from "#apimachinery/field-error.ts";

import { isConfigMapKey, isDns1123Label, isPortName, isQualifiedName, nameIsDnsSubdomain } from "./names.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "./object-meta.ts";

const texts = (errors: readonly FieldError[]) => errors.map(({ field, text }) => `${field}: ${text}`);

for (const [check, value, want] of [
  [isDns1123Label, "a-b", []],
  [isDns1123Label, "a.b", ["must not contain dots"]],
  [isQualifiedName, "example.com/a_b", []],
  [isQualifiedName, "/a", ["prefix part must be non-empty"]],
  [isConfigMapKey, "..x", ["must not start with '..'"]],
  [isPortName, "a--b", ["must not contain consecutive hyphens"]],
] as const) {
  test(`${check.name}() of ${value}`, () => assert.deepEqual(check(value), want));
}

test("nameIsDnsSubdomain() lets a prefix end with a dash", () => {
  assert.deepEqual(nameIsDnsSubdomain("a-", true), []);
  assert.equal(nameIsDnsSubdomain("a-", false).length, 1);
});

test("validateObjectMeta() tells of a missing name and namespace", () => {
  assert.deepEqual(texts(validateObjectMeta({}, { namespaced: true })), [
    "metadata.name: Required value: name or generateName is required",
    "metadata.namespace: Required value",
  ]);
});

test("validateObjectMeta() lets one owner be the controller", () => {
  const owner = { apiVersion: "v1", kind: "Pod", name: "p", uid: "u", controller: true };
  const [error] = validateObjectMeta({ name: "a", ownerReferences: [owner, { ...owner, name: "q" }] }, { namespaced: false });
  assert.match(error!.text, /Found "true" in references for Pod\/p and Pod\/q$/);
});

test("validateObjectMetaUpdate() keeps what is fixed, and finalizers of what is going", () => {
  const old = { name: "a", uid: "1", resourceVersion: "5", deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["x/a"] };
  assert.deepEqual(texts(validateObjectMetaUpdate({ ...old, uid: "2", finalizers: ["x/a", "x/b"] }, old)), [
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x/b"}',
    'metadata.uid: Invalid value: "2": field is immutable',
  ]);
});
