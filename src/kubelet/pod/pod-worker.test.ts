import assert from "node:assert/strict";
import { test } from "node:test";

import type { Runtime } from "#kubelet/cri/runtime.ts";
import { CONTAINER_RUNNING, type ContainerStatus } from "#kubelet/cri/types.ts";
import { containerOf, podOf, runOf, runtimeOf } from "#kubelet/testing/fixtures.ts";
import { VolumeSetupError } from "#kubelet/volume/volume-manager.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";

import type { PodContext } from "./pod-context.ts";
import { PodWorker } from "./pod-worker.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** What a worker needs to get as far as these tests go; `told` are the reasons of its events. */
function contextOf(runtime: Partial<Runtime>, parts: object = {}) {
  const told: string[] = [];
  const clock = new SimClock();
  const context = {
    config: { podLogsDir: "/nowhere", cgroupRoot: "/kubepods", containerLogsDir: "/nowhere" },
    node: { ips: ["192.0.2.1"], memoryBytes: 2 ** 30, allocatable: {} },
    dns: { server: "10.43.0.10", domain: "cluster.local", host: { nameservers: [], searches: [], options: [] } },
    clock,
    log: silentLogger,
    recorder: { record: (_about: unknown, _type: string, reason: string) => void told.push(reason) },
    runtime,
    images: { ensure: async () => ({}) },
    cgroups: { ensure: () => "", end: () => 0 },
    probes: { verdicts: () => ({}), health: () => ({}), stop: () => {} },
    statuses: { set: () => {} },
    drained: async () => {},
    ...parts,
  };
  return { told, clock, context: context as unknown as PodContext };
}

test("PodWorker tells of a volume that cannot be made while the sandbox is being made, and starts nothing", async () => {
  const sandbox = Promise.withResolvers<string>();
  const calls: string[] = [];
  const runtime = {
    runPodSandbox: () => sandbox.promise,
    podSandboxStatus: async () => undefined,
    createContainer: async () => (calls.push("createContainer"), "c1"),
  };
  const mount = () => Promise.reject(new VolumeSetupError("token", new Error("the server is away")));
  const { told, context } = contextOf(runtime, { volumes: { mount } });
  const worker = new PodWorker(podOf(), context);
  // A rejection that nobody handles would end the process here.
  await settled();
  await settled();
  sandbox.resolve("s1");
  await settled();
  worker.stop();
  assert.deepEqual([told, calls], [["FailedMount"], []]);
});

test("PodWorker does not begin to stop a pod again while one of its containers is still being stopped", async () => {
  const containers = [containerOf("quick"), containerOf("slow")];
  const pod = podOf({ containers }, { deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: 30 });
  const stopped: string[] = [];
  const stopContainer = (id: string) => {
    stopped.push(id);
    return id.startsWith("quick") ? Promise.reject(new Error("the runtime is away")) : new Promise<void>(() => {});
  };
  const states = { state: CONTAINER_RUNNING, createdAt: 1, startedAt: 2, finishedAt: 0, labels: {}, annotations: {} };
  const containerStatus = async (id: string) => ({ ...states, id, metadata: { name: id.split("-")[0], attempt: 0 } }) as unknown as ContainerStatus;
  const none = async () => [];
  const runtime = { stopContainer, containerStatus, podSandboxStatus: async () => undefined, listPodSandboxes: none, listContainers: none };
  const { clock, context } = contextOf(runtime);
  const worker = new PodWorker(pod, context, runtimeOf(containers.map((container) => runOf(container, "running"))));
  for (let i = 0; i < 20; i++) {
    await settled();
    clock.advance(1000);
  }
  worker.stop();
  assert.deepEqual(stopped, ["quick-0", "slow-0"]);
});
