import assert from "node:assert/strict";
import { test } from "node:test";

import { SimClock } from "#lib/sim-clock.ts";

import { StartSlots } from "./start-slots.ts";

/** Work that begins when its name is in `begun`, and ends on demand. */
function works(slots: StartSlots) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (name: string, rank = 0) =>
    slots.run(rank, () => {
      begun.push(name);
      return new Promise<string>((resolve) => void ends.set(name, () => resolve(name)));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { begun, add, end };
}

test("StartSlots lets no more run than there are slots, the lowest rank first, in order", async () => {
  const { begun, add, end } = works(new StartSlots(2, new SimClock()));
  const all = [add("a", 2), add("b", 2), add("c", 2), add("d", 0), add("e", 2), add("f", 0)];
  assert.deepEqual(begun, ["a", "b"]);
  await end("a");
  assert.deepEqual(begun, ["a", "b", "d"]);
  for (const name of ["b", "d", "f", "c", "e"]) await end(name);
  assert.deepEqual(begun, ["a", "b", "d", "f", "c", "e"]);
  assert.deepEqual(await Promise.all(all), ["a", "b", "c", "d", "e", "f"]);
});

test("StartSlots gives a failed work's slot to the next, and tells of the failure", async () => {
  const slots = new StartSlots(1, new SimClock());
  await assert.rejects(
    slots.run(0, () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await slots.run(0, async () => "next"), "next");
});

test("StartSlots does not let work that hangs keep others waiting", async () => {
  const clock = new SimClock();
  const slots = new StartSlots(1, clock);
  const { begun, add, end } = works(slots);
  void add("hangs");
  void add("waits");
  void add("third");
  clock.advance(2000);
  await new Promise(setImmediate);
  assert.deepEqual(begun, ["hangs", "waits"]);
  await end("hangs");
  assert.deepEqual(begun, ["hangs", "waits"]);
  await end("waits");
  assert.deepEqual(begun, ["hangs", "waits", "third"]);
});
