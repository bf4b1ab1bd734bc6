import assert from "node:assert/strict";
import { test } from "node:test";
import { finalCounts } from "./test.ts";

for (const { name, lines, code, want } of [
  { name: "reads the last counts", lines: ["x", '@counts {"passed":3,"failed":0,"skipped":1}'], code: 0, want: { passed: 3, failed: 0, skipped: 1 } },
  { name: "counts a crash as a failure", lines: ["boom"], code: 1, want: { passed: 0, failed: 1, skipped: 0 } },
  { name: "believes the exit code", lines: ['@counts {"passed":3,"failed":0,"skipped":0}'], code: 1, want: { passed: 3, failed: 1, skipped: 0 } },
  { name: "counts a killed run as a failure", lines: [], code: null, want: { passed: 0, failed: 1, skipped: 0 } },
]) {
  test(`finalCounts() ${name}`, () => {
    assert.deepEqual(finalCounts(lines, code), want);
  });
}
