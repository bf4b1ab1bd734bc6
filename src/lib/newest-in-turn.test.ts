import assert from "node:assert/strict";
import { test } from "node:test";

import { newestInTurn } from "./newest-in-turn.ts";

test("newestInTurn() does one at a time, leaves out what is out of date, and does the last one last", async () => {
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const give = newestInTurn<number>((value) => {
    begun.push(value);
    return new Promise((resolve) => ends.push(resolve));
  });
  for (const value of [1, 2, 3]) give(value);
  assert.deepEqual(begun, [1]);
  ends[0]!();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, [1, 3]);
  ends[1]!();
  await new Promise((resolve) => setImmediate(resolve));
  give(4);
  assert.deepEqual(begun, [1, 3, 4]);
});
