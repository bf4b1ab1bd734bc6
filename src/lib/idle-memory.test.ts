import assert from "node:assert/strict";
import { test } from "node:test";
import { IdleMemory } from "./idle-memory.ts";
import { SimClock } from "./sim-clock.ts";

function world({ heapBytes = 1e6 } = {}) {
  const clock = new SimClock(0);
  const done: string[] = [];
  const state = { cpuMs: 600 };
  const memory = { collectGarbage: () => void done.push("collect"), releaseFreed: () => void done.push("freed"), releaseCode: () => void done.push("code") };
  const idle = new IdleMemory({ clock, memory, cpuMs: () => state.cpuMs, heapBytes: () => heapBytes });
  idle.start();
  let first = true;
  /** A period, and the second after it in which what was collected is freed. */
  const period = (cpuMs: number) => {
    state.cpuMs += cpuMs;
    clock.advance(first ? 10_000 : 9000);
    first = false;
    clock.advance(1000);
    return done.splice(0).join(" ");
  };
  return { period, idle };
}

const ALL = "collect freed code";
const AGAIN = "freed code";

test("IdleMemory gives back after the start, and after load when that has ended", () => {
  const { period } = world();
  assert.deepEqual([400, 20, 20, 20, 20].map(period), [ALL, "", "", AGAIN, ""]);
  assert.deepEqual([9000, 8000, 20, 20, 20, 20, 20].map(period), ["", "", ALL, "", "", AGAIN, ""]);
});

test("IdleMemory does not come back to it when there is something to do again", () => {
  const { period } = world();
  assert.deepEqual([400, 20, 2000, 20, 20].map(period), [ALL, "", "", "", ""]);
});

test("IdleMemory waits until something has been done again", () => {
  const { period } = world();
  period(0);
  const periods = Array.from({ length: 20 }, () => period(200));
  assert.deepEqual(
    periods.map((done, i) => (done === ALL ? i : "")).filter((i) => i !== ""),
    [14],
  );
});

test("IdleMemory leaves a large heap to the collector's own pace, and does nothing after stop()", () => {
  const { period, idle } = world({ heapBytes: 1e9 });
  assert.equal(period(0), AGAIN);
  idle.stop();
  assert.equal(period(9000) + period(0), "");
});
