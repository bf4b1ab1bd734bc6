import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { sameJson } from "./same-json.ts";

for (const [a, b, want] of [
  [{ a: 1, b: undefined }, { a: 1 }, true],
  [{ a: 1 }, { a: 1, b: null }, false],
  [[1, 2], [2, 1], false],
  [[], {}, false],
  [{ a: [{ b: "c" }] }, { a: [{ b: "c" }] }, true],
  [null, {}, false],
] as const) {
  test(`sameJson() of ${JSON.stringify(a)} and ${JSON.stringify(b)} is ${want}`, () => {
    assert.equal(sameJson(a, b), want);
    assert.equal(sameJson(b, a), want);
  });
}

test("sameJson() agrees with the text of sorted JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      assert.equal(sameJson(a, structuredClone(a)), true);
      assert.equal(sameJson(a, b), sorted(a) === sorted(b));
    }),
  );
});

function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  ).replaceAll("-0", "0");
}
