import assert from "node:assert/strict";
import { test } from "node:test";

import { allDone } from "#lib/all-done.ts";

test("allDone() fails only when the last of the work is over, and with the first failure", async () => {
  const slow = Promise.withResolvers<number>();
  let isOver = false;
  const done = allDone([slow.promise, Promise.reject(new Error("first")), Promise.reject(new Error("second"))]).finally(() => (isOver = true));
  done.catch(() => undefined);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  slow.resolve(1);
  await assert.rejects(done, { message: "first" });
});

test("allDone() gives the results in order", async () => {
  assert.deepEqual(await allDone([Promise.resolve(1), Promise.resolve(2)]), [1, 2]);
});
