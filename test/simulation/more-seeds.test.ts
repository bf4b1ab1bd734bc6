import { test } from "node:test";

import { playSeeds } from "./play-seeds.ts";

// In a file of its own, so that both processors of a small machine have something to do.
for (let from = 101; from <= 200; from += 20)
  test(`the cluster of every seed from ${from} to ${from + 19} keeps what it promises, and comes to rest`, () => playSeeds(from, 20));
