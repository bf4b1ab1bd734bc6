import assert from "node:assert/strict";
import { test } from "node:test";

import type { Schema } from "#apimachinery/schema/schema.ts";

import { comparable } from "./comparable.ts";

const list: Schema = { kind: "map", atomic: false, values: { kind: "scalar", type: "quantity" } };

test("comparable() gives equal amounts one form, whatever their spelling", () => {
  assert.deepEqual(comparable(list, { memory: "64Mi", cpu: "1" }), comparable(list, { memory: "67108864", cpu: "1000m" }));
  assert.notDeepEqual(comparable(list, { cpu: "1" }), comparable(list, { cpu: "1001m" }));
  assert.deepEqual(comparable(list, { cpu: "0" }), comparable(list, { cpu: "0Gi" }));
});

test("comparable() shares what has no quantity", () => {
  const value = { a: { b: ["c"] } };
  assert.equal(comparable({ kind: "any" }, value), value);
});
