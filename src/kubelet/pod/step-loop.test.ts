import assert from "node:assert/strict";
import { test } from "node:test";

import { SimClock } from "#lib/sim-clock.ts";

import { interruptible, StepLoop } from "./step-loop.ts";

const settle = async () => {
  for (let i = 0; i < 10; i++) await null;
};

test("StepLoop takes one step at a time, and one more for all that comes meanwhile", async () => {
  const gates: (() => void)[] = [];
  const loop = new StepLoop({ clock: new SimClock(), step: () => new Promise((resolve) => gates.push(resolve)), onError: () => undefined });
  loop.kick();
  assert.equal(gates.length, 0);
  await settle();
  loop.kick();
  loop.kick();
  await settle();
  assert.equal(gates.length, 1);
  gates[0]?.();
  await settle();
  assert.equal(gates.length, 2);
  gates[1]?.();
  await settle();
  assert.equal(gates.length, 2);
});

test("StepLoop tries a failed step again with growing delays, an interrupted one not by itself", async () => {
  const clock = new SimClock(0);
  const times: number[] = [];
  const step = (signal: AbortSignal) => {
    times.push(clock.now() / 1000);
    return times.length < 4 ? Promise.reject(new Error("failed")) : interruptible(new Promise<void>(() => undefined), signal);
  };
  const errors: boolean[] = [];
  const loop = new StepLoop({ clock, step, onError: (_, interrupted) => void errors.push(interrupted) });
  loop.kick();
  for (let second = 0; second < 10; second++) {
    await settle();
    clock.advance(1000);
  }
  assert.deepEqual(times, [0, 1, 3, 7]);
  loop.interrupt();
  await settle();
  clock.advance(60_000);
  await settle();
  assert.deepEqual(errors, [false, false, false, true]);
  assert.equal(times.length, 4);
});

test("StepLoop takes the earlier of two times, and none after it is stopped", async () => {
  const clock = new SimClock(0);
  let steps = 0;
  const loop = new StepLoop({ clock, step: async () => void steps++, onError: () => undefined });
  loop.kickAfter(5000);
  loop.kickAfter(1000);
  loop.kickAfter(3000);
  clock.advance(1000);
  await settle();
  assert.equal(steps, 1);
  clock.advance(10_000);
  await settle();
  assert.equal(steps, 1);
  loop.stop();
  loop.kick();
  await settle();
  assert.equal(steps, 1);
});
