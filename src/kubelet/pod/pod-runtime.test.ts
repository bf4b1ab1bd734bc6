import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import type { Runtime } from "#kubelet/cri/runtime.ts";
import { CONTAINER_EXITED, CONTAINER_RUNNING, type ContainerStatus } from "#kubelet/cri/types.ts";
import { containerOf, podOf, runOf, runtimeOf } from "#kubelet/testing/fixtures.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";

import { logLinkName } from "./container-starter.ts";
import type { PodContext } from "./pod-context.ts";
import { PodRuntime } from "./pod-runtime.ts";

const container = containerOf("c");
const pod = podOf({ containers: [container] });
const id = runOf(container, "running").id;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A container that runs, in a runtime that shows its exit late. */
function world() {
  const clock = new SimClock();
  let looks = 0;
  let exited = false;
  const status = { id, createdAt: 1, startedAt: 2, finishedAt: 3, labels: {}, annotations: {}, metadata: { name: "c", attempt: 0 } };
  const containerStatus = async () => {
    looks++;
    return { ...status, state: exited ? CONTAINER_EXITED : CONTAINER_RUNNING } as unknown as ContainerStatus;
  };
  const runtime: Partial<Runtime> = { containerStatus };
  const context = { clock, log: silentLogger, runtime, probes: { stop: () => {} }, volumes: { podDir: () => "/nowhere" } } as unknown as PodContext;
  const parts = new PodRuntime(context, runtimeOf([runOf(container, "running")]));
  let kicks = 0;
  const look = (early = false) => parts.lookForExit(pod, id, { early, onLook: () => kicks++, stopped: () => false });
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed++) {
      clock.advance(1);
      await settled();
    }
  };
  const show = () => (exited = true);
  return { parts, look, pass, show, state: () => parts.seen.containers[0]?.state, counts: () => ({ looks, kicks }) };
}

test("lookForExit() asks once, when the runtime has cleaned up", async () => {
  const { parts, look, pass, show, state, counts } = world();
  const done = look();
  await pass(40);
  show();
  parts.reaped(id);
  await settled();
  await pass(30);
  await done;
  assert.deepEqual([state(), counts()], ["exited", { looks: 1, kicks: 1 }]);
});

test("lookForExit() asks again when the runtime is slow, and does not wait for ever for its word", async () => {
  const { look, pass, show, state } = world();
  const done = look();
  await pass(520);
  show();
  await pass(100);
  await done;
  assert.equal(state(), "exited");
});

test("lookForExit() waits for no word of an exit that was before anybody knew the container", async () => {
  const { look, pass, show, state, counts } = world();
  show();
  const done = look(true);
  await pass(20);
  await done;
  assert.deepEqual([state(), counts().looks], ["exited", 1]);
});

test("endContainer() looks once at what it has ended, however many events tell of it", async () => {
  const { parts, look, pass, show, state, counts } = world();
  const stopped = Promise.withResolvers<void>();
  const ended = parts.endContainer(pod, id, () => stopped.promise);
  const events = [look(), look()];
  parts.reaped(id);
  await settled();
  await pass(30);
  show();
  stopped.resolve();
  await ended;
  await pass(600);
  await Promise.all(events);
  assert.deepEqual([state(), counts()], ["exited", { looks: 1, kicks: 0 }]);
});

test("endContainer() that fails leaves exits to events again", async () => {
  const { parts, look, pass, show, state } = world();
  await assert.rejects(parts.endContainer(pod, id, () => Promise.reject(new Error("the runtime is away"))));
  show();
  const done = look();
  parts.reaped(id);
  await pass(20);
  await done;
  assert.equal(state(), "exited");
});

test("lookAtContainer() takes away the log's link of a container that went with its sandbox", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-links-"));
  try {
    const link = join(folder, logLinkName(pod, "c", id));
    symlinkSync("/nowhere/0.log", link);
    const runtime: Partial<Runtime> = { containerStatus: async () => undefined };
    const parts = new PodRuntime({ runtime, config: { containerLogsDir: folder } } as unknown as PodContext, runtimeOf([runOf(container, "running")]));
    await parts.lookAtContainer(pod, id);
    assert.deepEqual([parts.seen.containers, readdirSync(folder)], [[], []]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
