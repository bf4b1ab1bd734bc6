import assert from "node:assert/strict";
import { test } from "node:test";

import { goList } from "#apimachinery/go-list.ts";

test("goList() prints strings quoted, with spaces between", () => {
  assert.equal(goList([]), "[]");
  assert.equal(goList(["a", 'b"c\n']), '["a" "b\\"c\\n"]');
});
