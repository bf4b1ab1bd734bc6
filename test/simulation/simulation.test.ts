import assert from "node:assert/strict";
import { test } from "node:test";

import { playSeeds } from "./play-seeds.ts";
import { programOf } from "./program.ts";
import { simulate } from "./simulation.ts";

for (let from = 1; from <= 100; from += 20)
  test(`the cluster of every seed from ${from} to ${from + 19} keeps what it promises, and comes to rest`, () => playSeeds(from, 20));

test("the same seed gives the same run, to the letter", async () => {
  for (const seed of [7, 30]) {
    const [first, second] = [await simulate(programOf(seed)), await simulate(programOf(seed))];
    assert.deepEqual(first.trace, second.trace);
    assert.equal(first.digest, second.digest);
  }
});

test("another seed gives another run", async () => {
  assert.notEqual((await simulate(programOf(1))).digest, (await simulate(programOf(2))).digest);
});
