import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { SimClock } from "#lib/sim-clock.ts";

test("SimClock runs timers in order of time, then of creation, and never one that was cancelled", () => {
  const anyTimers = fc.array(fc.record({ delayMs: fc.nat(20), cancelled: fc.boolean() }), { maxLength: 30 });
  fc.assert(
    fc.property(anyTimers, fc.nat(20), (timers, durationMs) => {
      const clock = new SimClock(0);
      const ran: number[] = [];
      timers.forEach(({ delayMs, cancelled }, i) => {
        const timer = clock.after(delayMs, () => ran.push(i));
        if (cancelled) timer.cancel();
      });
      clock.advance(durationMs);
      const due = timers.map((timer, i) => ({ ...timer, i })).filter(({ delayMs, cancelled }) => !cancelled && delayMs <= durationMs);
      assert.deepEqual(
        ran,
        due.sort((a, b) => a.delayMs - b.delayMs).map(({ i }) => i),
      );
      assert.equal(clock.now(), durationMs);
    }),
  );
});

test("SimClock.step() goes to the next timer and no further", () => {
  const clock = new SimClock(0);
  const ran: number[] = [];
  clock.every(10, () => ran.push(clock.now()));
  assert.equal(clock.step(9), false);
  assert.deepEqual([clock.step(), clock.step(), clock.now(), ran], [true, true, 20, [10, 20]]);
});
