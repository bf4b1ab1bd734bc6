import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff, goDuration } from "./backoff.ts";

test("Backoff doubles from 10 s to 5 min, measured from the event", () => {
  const backoff = new Backoff();
  assert.equal(backoff.remainingSince("k", 0, 0), 0);
  const delays: number[] = [];
  for (let i = 0; i < 7; i++) {
    backoff.next("k", 0, 0);
    delays.push(backoff.get("k"));
  }
  assert.deepEqual(delays, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  assert.equal(backoff.remainingSince("k", 1000, 2000), 299_000);
});

test("Backoff starts anew after twice its longest delay without a failure", () => {
  const backoff = new Backoff();
  backoff.next("k", 0, 0);
  backoff.next("k", 0, 0);
  assert.equal(backoff.remainingSince("k", 600_001, 600_001), 0);
  backoff.next("k", 600_001, 600_001);
  assert.equal(backoff.get("k"), 10_000);
});

test("Backoff forgets the keys of a pod", () => {
  const backoff = new Backoff();
  backoff.next("uid-1/c", 0, 0);
  backoff.next("uid-2/c", 0, 0);
  backoff.forget("uid-1/");
  assert.equal(backoff.get("uid-1/c"), 0);
  assert.equal(backoff.get("uid-2/c"), 10_000);
});

for (const [ms, text] of [
  [10_000, "10s"],
  [160_000, "2m40s"],
  [300_000, "5m0s"],
  [3_600_000, "1h0m0s"],
  [1500, "1.5s"],
  [250, "250ms"],
] as const) {
  test(`goDuration() prints ${ms} ms as ${text}`, () => assert.equal(goDuration(ms), text));
}
