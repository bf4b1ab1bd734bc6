import assert from "node:assert/strict";
import { test } from "node:test";

import { FieldsTrail } from "./fields-trail.ts";
import { textOfShared } from "./shared-fields.ts";

function along(...pieces: readonly string[]): object {
  const trail = new FieldsTrail();
  for (const piece of pieces) trail.take(piece);
  return trail.fields();
}

test("FieldsTrail gives who goes the same way the same object", () => {
  const first = along('{"f:a":', "{}", "}");
  assert.deepEqual(first, { "f:a": {} });
  assert.equal(along('{"f:a":', "{}", "}"), first);
  assert.deepEqual(along('{"f:a":', "{}", ',"f:b":', "{}", "}"), { "f:a": {}, "f:b": {} });
  assert.equal(textOfShared(first), '{"f:a":{}}');
});

test("FieldsTrail goes back to a mark as if nothing had been written since", () => {
  const trail = new FieldsTrail();
  trail.take('{"f:a":');
  const { mark } = trail;
  trail.take('{"f:b":');
  trail.returnTo(mark);
  trail.take("{}}");
  assert.deepEqual(trail.fields(), { "f:a": {} });
});

test("FieldsTrail forgets, and writes what is new all the same", () => {
  for (let i = 0; i < 30_000; i++) assert.deepEqual(Object.keys(along(`{"f:${i}":`, "{}}")), [`f:${i}`]);
  assert.deepEqual(along('{"f:a":', "{}", "}"), { "f:a": {} });
});
