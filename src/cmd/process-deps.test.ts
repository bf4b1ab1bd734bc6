import assert from "node:assert/strict";
import { test } from "node:test";

import { holdUntilAborted, type Parts } from "./process-deps.ts";

function setup() {
  const told: string[] = [];
  const stop = new AbortController();
  const add = (parts: Parts, name: string) => {
    told.push(`start ${name}`);
    parts.defer(() => void told.push(`stop ${name}`));
  };
  const hold = (start: (parts: Parts) => Promise<void>) => holdUntilAborted({ signal: stop.signal, onReady: () => void told.push("ready") }, start);
  return { told, stop, add, hold };
}

const rounds = () => new Promise((resolve) => setImmediate(resolve));

test("holdUntilAborted() ends the parts in turn, the last one first, once it is told to stop", async () => {
  const { told, stop, add, hold } = setup();
  const held = hold(async (parts) => {
    add(parts, "a");
    add(parts, "b");
  });
  await rounds();
  assert.deepEqual(told, ["start a", "start b", "ready"]);
  stop.abort();
  await held;
  assert.deepEqual(told.slice(3), ["stop b", "stop a"]);
});

test("holdUntilAborted() ends what had started when a part fails, and tells its error", async () => {
  const { told, add, hold } = setup();
  const start = async (parts: Parts) => {
    add(parts, "a");
    await rounds();
    throw new Error("no b");
  };
  await assert.rejects(hold(start), { message: "no b" });
  assert.deepEqual(told, ["start a", "stop a"]);
});

test("holdUntilAborted() ends the parts when what they rest on fails, and tells that error", async () => {
  const { told, stop, add } = setup();
  const failure = Promise.withResolvers<never>();
  const start = async (parts: Parts) => add(parts, "a");
  const held = holdUntilAborted({ signal: stop.signal, onReady: () => void told.push("ready") }, start, failure.promise);
  await rounds();
  failure.reject(new Error("the datastore was replaced"));
  await assert.rejects(held, { message: "the datastore was replaced" });
  assert.deepEqual(told, ["start a", "ready", "stop a"]);
});

test("holdUntilAborted() does not wait for a start that hangs; what still comes then fails in silence", async () => {
  const { told, stop, add, hold } = setup();
  const late = Promise.withResolvers<void>();
  const held = hold(async (parts) => {
    add(parts, "a");
    await late.promise;
    add(parts, "b");
  });
  stop.abort();
  await held;
  late.resolve();
  await rounds();
  assert.deepEqual(told, ["start a", "stop a", "start b"]);
});
