import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { PodSpec } from "#api/core-v1/types.ts";
import { containerOf, podOf, READY_SANDBOX, runOf, runtimeOf } from "#kubelet/testing/fixtures.ts";

import { computePodActions, type PodActions, type ProbeVerdict } from "./compute-actions.ts";
import { NOTHING_RUNS, type RuntimeContainer, type RuntimePod } from "./runtime-pod.ts";

const main = containerOf("c");
const init = containerOf("init");
const second = containerOf("second");
const sidecar = containerOf("side", { restartPolicy: "Always" });
const failed = { exitCode: 1, reason: "Error" };

const decide = (spec: Partial<PodSpec>, runtime: RuntimePod, verdicts: Record<string, { liveness?: ProbeVerdict; startup?: ProbeVerdict }> = {}): PodActions =>
  computePodActions({ pod: podOf(spec), runtime, probes: (id) => ({ liveness: verdicts[id]?.liveness, startup: verdicts[id]?.startup }) });

const start = ({ startInit, startMain, kill, killPod, createSandbox }: PodActions) => ({
  startInit,
  startMain,
  kill: kill.map(({ id }) => id),
  killPod,
  createSandbox,
});
const nothing = { startInit: [], startMain: [], kill: [], killPod: false, createSandbox: false };
const notReady = { ...READY_SANDBOX, ready: false };

interface Case {
  readonly name: string;
  readonly spec: Partial<PodSpec>;
  readonly runtime: RuntimePod;
  readonly verdicts?: Record<string, { liveness?: ProbeVerdict; startup?: ProbeVerdict }>;
  readonly want: Partial<ReturnType<typeof start>>;
}

const CASES: readonly Case[] = [
  {
    name: "makes a sandbox and starts all main containers",
    spec: { containers: [main, second] },
    runtime: NOTHING_RUNS,
    want: { killPod: true, createSandbox: true, startMain: ["c", "second"] },
  },
  {
    name: "starts the first init container alone",
    spec: { initContainers: [init, second] },
    runtime: NOTHING_RUNS,
    want: { killPod: true, createSandbox: true, startInit: ["init"] },
  },
  { name: "leaves a settled pod alone", spec: {}, runtime: runtimeOf([runOf(main, "running")]), want: {} },
  { name: "waits for an init container", spec: { initContainers: [init] }, runtime: runtimeOf([runOf(init, "running")]), want: {} },
  {
    name: "goes on to the next init container",
    spec: { initContainers: [init, second] },
    runtime: runtimeOf([runOf(init, "exited")]),
    want: { startInit: ["second"] },
  },
  {
    name: "starts main containers after the last init container",
    spec: { initContainers: [init] },
    runtime: runtimeOf([runOf(init, "exited")]),
    want: { startMain: ["c"] },
  },
  {
    name: "tries a failed init container again",
    spec: { initContainers: [init] },
    runtime: runtimeOf([runOf(init, "exited", failed)]),
    want: { startInit: ["init"] },
  },
  {
    name: "gives up on a failed init container of a Never pod",
    spec: { initContainers: [init], restartPolicy: "Never" },
    runtime: runtimeOf([runOf(init, "exited", failed)]),
    want: { killPod: true },
  },
  {
    name: "goes on as soon as a sidecar runs",
    spec: { initContainers: [sidecar, init] },
    runtime: runtimeOf([runOf(sidecar, "running")]),
    want: { startInit: ["init"] },
  },
  {
    name: "waits for a sidecar's startup probe",
    spec: { initContainers: [{ ...sidecar, startupProbe: {} }, init] },
    runtime: runtimeOf([runOf(sidecar, "running")]),
    want: {},
  },
  {
    name: "restarts an ended sidecar beside the main container",
    spec: { initContainers: [sidecar] },
    runtime: runtimeOf([runOf(main, "running"), runOf(sidecar, "exited")]),
    want: { startInit: ["side"] },
  },
  { name: "restarts an ended container", spec: {}, runtime: runtimeOf([runOf(main, "exited")]), want: { startMain: ["c"] } },
  {
    name: "keeps an OnFailure container that has succeeded",
    spec: { restartPolicy: "OnFailure", containers: [main, second] },
    runtime: runtimeOf([runOf(main, "exited"), runOf(second, "running")]),
    want: {},
  },
  {
    name: "restarts an OnFailure container that has failed",
    spec: { restartPolicy: "OnFailure" },
    runtime: runtimeOf([runOf(main, "exited", failed)]),
    want: { startMain: ["c"] },
  },
  {
    name: "ends a Never pod whose containers are done, sidecars too",
    spec: { restartPolicy: "Never", initContainers: [sidecar] },
    runtime: runtimeOf([runOf(main, "exited"), runOf(sidecar, "running")]),
    want: { killPod: true },
  },
  {
    name: "kills and restarts what fails its liveness probe",
    spec: {},
    runtime: runtimeOf([runOf(main, "running")]),
    verdicts: { "c-0": { liveness: "failure" } },
    want: { kill: ["c-0"], startMain: ["c"] },
  },
  {
    name: "kills what fails its startup probe in a Never pod",
    spec: { restartPolicy: "Never", containers: [main, second] },
    runtime: runtimeOf([runOf(main, "running"), runOf(second, "running")]),
    verdicts: { "c-0": { startup: "failure" } },
    want: { kill: ["c-0"] },
  },
  {
    name: "replaces a container with another image",
    spec: { containers: [containerOf("c", { image: "example.test/app:2" })] },
    runtime: runtimeOf([runOf(main, "running")]),
    want: { kill: ["c-0"], startMain: ["c"] },
  },
  {
    name: "makes a new sandbox for one that died",
    spec: {},
    runtime: runtimeOf([runOf(main, "exited")], [notReady]),
    want: { killPod: true, createSandbox: true, startMain: ["c"] },
  },
  {
    name: "makes no new sandbox for a Never pod that has run",
    spec: { restartPolicy: "Never" },
    runtime: runtimeOf([runOf(main, "exited")], [notReady]),
    want: { killPod: true },
  },
  {
    name: "makes no new sandbox when all have succeeded",
    spec: { restartPolicy: "OnFailure" },
    runtime: runtimeOf([runOf(main, "exited")], [notReady]),
    want: { killPod: true },
  },
];

for (const { name, spec, runtime, verdicts, want } of CASES) {
  test(`computePodActions() ${name}`, () => {
    assert.deepEqual(start(decide(spec, runtime, verdicts)), { ...nothing, ...want });
  });
}

test("computePodActions() starts ephemeral containers once, during initialisation too", () => {
  const debug = { ...containerOf("debug"), targetContainerName: "c" };
  const spec = { initContainers: [init], ephemeralContainers: [debug] };
  assert.deepEqual(decide(spec, runtimeOf([runOf(init, "running")])).startEphemeral, ["debug"]);
  assert.deepEqual(decide(spec, runtimeOf([runOf(init, "running"), runOf(debug, "exited", failed)])).startEphemeral, []);
});

/** The runtime after the actions, with containers that succeed when `ends` and run on otherwise. */
function perform(spec: Partial<PodSpec>, before: RuntimePod, actions: PodActions, ends: (name: string) => RuntimeContainer["state"]): RuntimePod {
  const pod = podOf(spec);
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const sandboxes = actions.createSandbox ? [{ ...READY_SANDBOX, attempt: actions.attempt }] : before.sandboxes;
  const started = [...actions.startInit, ...actions.startMain].map((name) => {
    const container = all.find((candidate) => candidate.name === name) ?? main;
    const attempt = before.containers.filter((run) => run.name === name).length;
    return runOf(container, ends(name), { restartCount: attempt });
  });
  return { sandboxes, containers: [...started, ...before.containers] };
}

test("computePodActions() settles: every container that can run is started once, init containers first", () => {
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "d", "e"), { minLength: 1 });
  fc.assert(
    fc.property(names, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), (initNames, sidecars) => {
      const initContainers = initNames.map((name, i) => containerOf(name, sidecars[i] ? { restartPolicy: "Always" } : {}));
      const spec = { initContainers };
      const ends = (name: string) =>
        name === "c" || initContainers.find((container) => container.name === name)?.restartPolicy === "Always" ? "running" : "exited";
      let runtime = NOTHING_RUNS;
      const order: string[] = [];
      for (let i = 0; i < initNames.length + 2; i++) {
        const actions = decide(spec, runtime);
        order.push(...actions.startInit, ...actions.startMain);
        runtime = perform(spec, runtime, actions, ends);
      }
      assert.deepEqual(order, [...initNames, "c"]);
      assert.deepEqual(start(decide(spec, runtime)), nothing);
    }),
  );
});
