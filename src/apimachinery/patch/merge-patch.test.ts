import assert from "node:assert/strict";
import { test } from "node:test";

import { applyMergePatch, parseMergePatch } from "./merge-patch.ts";

test("applyMergePatch() merges, removes and replaces", () => {
  const document = { a: { b: 1, c: 2 }, l: [1], s: "x" };
  assert.deepEqual(applyMergePatch(document, { a: { b: null, d: 3 }, l: [2], s: { t: 1 } }), { a: { c: 2, d: 3 }, l: [2], s: { t: 1 } });
  assert.deepEqual(document, { a: { b: 1, c: 2 }, l: [1], s: "x" });
});

test("applyMergePatch() leaves nulls out of what is new, in lists too", () => {
  assert.deepEqual(applyMergePatch({}, { a: { b: null, c: 1 }, l: [{ x: null, y: 1 }, null] }), { a: { c: 1 }, l: [{ y: 1 }, null] });
});

test("parseMergePatch() refuses what is no object", () => {
  assert.throws(() => parseMergePatch("null"), { code: 400, message: "Invalid JSON Patch" });
  assert.throws(() => parseMergePatch("[]"), { message: "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}" });
  assert.throws(() => parseMergePatch(""), { message: "error decoding patch: unexpected end of JSON input" });
});
