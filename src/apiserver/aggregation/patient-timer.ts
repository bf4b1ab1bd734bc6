import type { Clock, Timer } from "#lib/clock.ts";

const TICK_MS = 1000;

/**
 * Calls `run` after so many seconds in which this process did its work: one that stood still for long has answers waiting
 * that it did not read, which is no fault of who sent them.
 */
export function afterPatience(clock: Clock, delayMs: number, run: () => void): Timer {
  let left = Math.ceil(delayMs / TICK_MS);
  const timer = clock.every(TICK_MS, () => {
    if (--left > 0) return;
    timer.cancel();
    run();
  });
  return timer;
}
