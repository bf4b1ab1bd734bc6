import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { retryDelayMs, TerminalError, WorkQueue, type WorkQueueOptions } from "#client/work-queue.ts";
import { silentLogger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

const tick = () => new Promise((resolve) => setImmediate(resolve));

function setup(sync: WorkQueueOptions["sync"], options: Partial<WorkQueueOptions> = {}) {
  const clock = new SimClock();
  const queue = new WorkQueue({ name: "test", sync, clock, rng: seededRng(1), logger: silentLogger, ...options });
  return { clock, queue };
}

test("WorkQueue.add() starts nothing before it returns, and joins equal keys", async () => {
  const seen: string[] = [];
  const { queue } = setup(async (key) => void seen.push(key));
  queue.add("a");
  queue.add("b");
  queue.add("a");
  assert.deepEqual(seen, []);
  await tick();
  assert.deepEqual(seen, ["a", "b"]);
  assert.equal(queue.size, 0);
});

test("WorkQueue works on a key by one worker at a time, and again if it was added meanwhile", async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  const { queue } = setup(async () => {
    most = Math.max(most, ++running);
    runs++;
    await tick();
    running--;
  });
  queue.add("a");
  await Promise.resolve();
  queue.add("a");
  queue.add("a");
  for (let i = 0; i < 5; i++) await tick();
  assert.deepEqual({ most, runs }, { most: 1, runs: 2 });
});

test("WorkQueue keeps to its number of workers", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 20 }), async (workers, keys) => {
      let running = 0;
      let most = 0;
      const done = new Set<string>();
      const sync = async (key: string) => {
        most = Math.max(most, ++running);
        await tick();
        running--;
        done.add(key);
      };
      const { queue } = setup(sync, { workers });
      for (let i = 0; i < keys; i++) queue.add(`k${i}`);
      for (let i = 0; i < keys + 2; i++) await tick();
      assert.equal(done.size, keys);
      assert.ok(most <= workers);
    }),
    { numRuns: 20 },
  );
});

test("WorkQueue tries a failed key again, later each time, and forgets failures after a success", async () => {
  const at: number[] = [];
  let fails = 4;
  const { queue, clock } = setup(async () => {
    at.push(clock.now());
    if (fails-- > 0) throw new Error("not yet");
  });
  queue.add("a");
  for (let i = 0; i < 300; i++) {
    await tick();
    clock.advance(1);
  }
  assert.equal(at.length, 5);
  const gaps = at.slice(1).map((time, i) => time - at[i]!);
  for (const [i, gap] of gaps.entries()) assert.ok(gap >= 3.75 * 2 ** i && gap <= 5 * 2 ** i + 2, `gap ${i} is ${gap}`);
});

test("WorkQueue does not retry a TerminalError", async () => {
  let runs = 0;
  const { queue, clock } = setup(async () => {
    runs++;
    throw new TerminalError("never");
  });
  queue.add("a");
  for (let i = 0; i < 10; i++) {
    await tick();
    clock.advance(10_000);
  }
  assert.equal(runs, 1);
});

test("WorkQueue.addAfter() counts the earliest time, and no key is taken up after stop()", async () => {
  const seen: [string, number][] = [];
  const abort = new AbortController();
  const { queue, clock } = setup(async (key) => void seen.push([key, clock.now() - start]), { signal: abort.signal });
  const start = clock.now();
  queue.addAfter("a", 500);
  queue.addAfter("a", 200);
  queue.addAfter("b", 300);
  queue.addAfter("a", 400);
  for (let i = 0; i < 10; i++) {
    clock.advance(100);
    await tick();
  }
  assert.deepEqual(seen, [
    ["a", 200],
    ["b", 300],
  ]);
  queue.addAfter("c", 100);
  abort.abort();
  clock.advance(1000);
  await tick();
  assert.equal(seen.length, 2);
});

test("retryDelayMs() doubles up to its bound", () => {
  assert.deepEqual(
    [0, 1, 2, 18, 60].map((failures) => retryDelayMs(failures)),
    [5, 10, 20, 1_000_000, 1_000_000],
  );
});
