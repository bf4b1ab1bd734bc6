import assert from "node:assert/strict";
import { test } from "node:test";

import { podOf } from "#kubelet/testing/fixtures.ts";
import { VolumeSetupError } from "#kubelet/volume/volume-manager.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";

import type { PodContext } from "./pod-context.ts";
import { PodWorker } from "./pod-worker.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("PodWorker tells of a volume that cannot be made while the sandbox is being made, and starts nothing", async () => {
  const sandbox = Promise.withResolvers<string>();
  const told: string[] = [];
  const calls: string[] = [];
  const context = {
    config: { podLogsDir: "/nowhere", cgroupRoot: "/kubepods", containerLogsDir: "/nowhere" },
    node: { ips: ["192.0.2.1"], memoryBytes: 2 ** 30, allocatable: {} },
    dns: { server: "10.43.0.10", domain: "cluster.local", host: { nameservers: [], searches: [], options: [] } },
    clock: new SimClock(),
    log: silentLogger,
    recorder: { record: (_about: unknown, _type: string, reason: string) => void told.push(reason) },
    runtime: {
      runPodSandbox: () => sandbox.promise,
      podSandboxStatus: async () => undefined,
      createContainer: async () => (calls.push("createContainer"), "c1"),
    },
    images: { ensure: async () => ({}) },
    volumes: { mount: async () => Promise.reject(new VolumeSetupError("token", new Error("the server is away"))) },
    cgroups: { ensure: () => "" },
    probes: { verdicts: () => ({}), health: () => ({}), stop: () => {} },
    statuses: { set: () => {} },
  } as unknown as PodContext;
  const worker = new PodWorker(podOf(), context);
  // A rejection that nobody handles would end the process here.
  await settled();
  await settled();
  sandbox.resolve("s1");
  await settled();
  worker.stop();
  assert.deepEqual([told, calls], [["FailedMount"], []]);
});
