import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { unifiedDiff } from "./unified-diff.ts";

test("unifiedDiff() shows a change with three lines around it", () => {
  const a = "1\n2\n3\n4\n5\n6\n7\n8\n9";
  assert.equal(unifiedDiff(a, a.replace("5", "five")), "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
});

test("unifiedDiff() keeps far changes apart and says nothing of equal texts", () => {
  const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
  const changed = lines.with(2, "x").with(25, "y");
  assert.equal(unifiedDiff(lines.join("\n"), changed.join("\n")).match(/^@@/gm)?.length, 2);
  assert.equal(unifiedDiff("a\nb", "a\nb"), "");
});

test("unifiedDiff() with enough context holds both texts", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const diff = unifiedDiff(a.join("\n"), b.join("\n"), 100);
      if (a.join() === b.join()) return assert.equal(diff, "");
      const lines = diff.split("\n").slice(1, -1);
      const side = (mark: string) => lines.filter((line) => line[0] === " " || line[0] === mark).map((line) => line.slice(1));
      assert.deepEqual(side("-"), a);
      assert.deepEqual(side("+"), b);
    }),
  );
});
