import assert from "node:assert/strict";
import { test } from "node:test";

import { SimClock } from "#lib/sim-clock.ts";

import { pod } from "../testing/world.ts";
import { backoffMs, SchedulingQueue } from "./scheduling-queue.ts";

const uid = (name: string) => `uid-${name}`;

function queueOf(...names: string[]) {
  const clock = new SimClock();
  const queue = new SchedulingQueue(clock, () => {});
  for (const name of names) queue.set(pod(name));
  return { clock, queue, next: () => queue.pop()?.pod.metadata.name };
}

test("SchedulingQueue gives higher priorities first, then older pods", () => {
  const { clock, queue, next } = queueOf("old");
  clock.advance(1);
  queue.set(pod("young"));
  queue.set(pod("urgent", { priority: 10 }));
  assert.deepEqual([next(), next(), next(), next()], ["urgent", "old", "young", undefined]);
});

test("SchedulingQueue wakes a refused pod only for an event that may help, and only after its back-off", () => {
  const { clock, queue, next } = queueOf("p");
  next();
  queue.refused(uid("p"), new Set(["nodeTaints"]));
  queue.wake("podRemoved");
  clock.advance(60_000);
  assert.equal(next(), undefined);
  queue.wake("nodeTaints");
  assert.equal(next(), "p");
  queue.refused(uid("p"), new Set(["nodeTaints"]));
  queue.wake("nodeTaints");
  assert.equal(next(), undefined);
  clock.advance(backoffMs(2));
  assert.equal(next(), "p");
});

test("SchedulingQueue does not lose an event that comes while the pod is being tried", () => {
  const { clock, queue, next } = queueOf("p");
  next();
  queue.wake("nodeAdded");
  queue.refused(uid("p"), new Set(["nodeAdded"]));
  clock.advance(1000);
  assert.equal(next(), "p");
});

test("SchedulingQueue tries again a pod whose try failed, and one that was refused five minutes ago", () => {
  const { clock, queue, next } = queueOf("p");
  next();
  queue.failed(uid("p"));
  clock.advance(1000);
  assert.equal(next(), "p");
  queue.refused(uid("p"), new Set());
  clock.advance(6 * 60_000);
  assert.equal(next(), "p");
});

test("SchedulingQueue wakes a refused pod for its own new generation, not for a new status", () => {
  const { clock, queue, next } = queueOf("p");
  next();
  queue.refused(uid("p"), new Set(["podChanged"]));
  queue.set({ ...pod("p"), status: { phase: "Pending", message: "x" } as never });
  clock.advance(2000);
  assert.equal(next(), undefined);
  queue.set({ ...pod("p"), metadata: { ...pod("p").metadata, generation: 2 } });
  assert.equal(next(), "p");
});

test("SchedulingQueue forgets a deleted pod wherever it waits", () => {
  const { queue, next } = queueOf("p");
  queue.delete(uid("p"));
  assert.equal(next(), undefined);
});

test("backoffMs() doubles from one second to ten", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 9].map(backoffMs), [1000, 2000, 4000, 8000, 10_000, 10_000]);
});
