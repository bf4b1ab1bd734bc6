import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLogger } from "#lib/logger.ts";

import { oneAtATime } from "./one-at-a-time.ts";

test("oneAtATime() joins the calls of a run to one more run, also after a failure", async () => {
  const gates: PromiseWithResolvers<void>[] = [];
  const run = oneAtATime(() => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    return gate.promise;
  }, silentLogger);
  const all = run();
  assert.equal(run(), all);
  void run();
  assert.equal(gates.length, 1);
  gates[0]?.reject(new Error("no"));
  await new Promise(setImmediate);
  assert.equal(gates.length, 2);
  gates[1]?.resolve();
  await all;
  void run();
  assert.equal(gates.length, 3);
});
