import assert from "node:assert/strict";
import { test } from "node:test";

import { jsonPath } from "./json-path.ts";

const OBJECT = {
  spec: { a: "x", "b.c": 1, list: [{ n: 1 }, { n: 2, x: "y" }], map: { k: true } },
  status: {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Synced", status: "False" },
    ],
  },
};

for (const { path, want } of [
  { path: ".spec.a", want: ["x"] },
  { path: ".spec.b\\.c", want: [1] },
  { path: ".spec['b.c']", want: [1] },
  { path: ".spec.list[0].n", want: [1] },
  { path: ".spec.list[-1].n", want: [2] },
  { path: ".spec.list[*].n", want: [1, 2] },
  { path: ".spec.list[0:1].n", want: [1] },
  { path: ".spec.list[5].n", want: [] },
  { path: ".spec.map.k", want: [true] },
  { path: ".spec.none.deeper", want: [] },
  { path: "..n", want: [1, 2] },
  { path: '.status.conditions[?(@.type=="Ready")].status', want: ["True"] },
  { path: ".spec.list[?(@.n>1)].x", want: ["y"] },
  { path: ".spec.list[?(@.x)].n", want: [2] },
  { path: ".spec.a[", want: [] },
]) {
  test(`jsonPath(${path})`, () => assert.deepEqual(jsonPath(path)(OBJECT), want));
}
