import assert from "node:assert/strict";
import { test } from "node:test";

import type { Pod, PodSpec, PodStatus } from "#api/core-v1/types.ts";
import { NOTHING_RUNS, type RuntimePod } from "#kubelet/pod/runtime-pod.ts";
import { containerOf, podOf, READY_SANDBOX, runOf, runtimeOf } from "#kubelet/testing/fixtures.ts";

import type { ContainerHealth, WaitingReason } from "./container-statuses.ts";
import { computePodStatus, type PodVerdict } from "./pod-status.ts";
import { statusPatch } from "./status-patch.ts";

const main = containerOf("c");
const init = containerOf("init");
const sidecar = containerOf("side", { restartPolicy: "Always" });
const failed = { exitCode: 1, reason: "Error" };
const WELL: ContainerHealth = { started: true, ready: true };
const NOW = Date.UTC(2026, 0, 1, 12);

interface Seen {
  readonly spec?: Partial<PodSpec>;
  readonly runtime: RuntimePod;
  readonly before?: PodStatus;
  readonly health?: ContainerHealth;
  readonly reasons?: Readonly<Record<string, WaitingReason>>;
  readonly terminal?: boolean;
  readonly verdict?: PodVerdict;
  readonly metadata?: Partial<Pod["metadata"]>;
}

function statusOf({ spec = {}, runtime, before = {}, health = WELL, reasons = {}, terminal = false, verdict, metadata }: Seen): PodStatus {
  return computePodStatus({
    pod: { ...podOf(spec, metadata), status: before },
    runtime,
    reasons: new Map(Object.entries(reasons)),
    health: () => health,
    nodeIps: ["192.0.2.1"],
    startTime: "2026-01-01T00:00:00Z",
    terminal,
    verdict,
    nowMs: NOW,
  });
}

const condition = (status: PodStatus, type: string) => {
  const { status: value, reason, message } = status.conditions?.find((candidate) => candidate.type === type) ?? {};
  return [value, reason, message].filter((part) => part !== undefined);
};

for (const { name, seen, phase } of [
  { name: "nothing runs yet", seen: { runtime: NOTHING_RUNS }, phase: "Pending" },
  { name: "an init container runs", seen: { spec: { initContainers: [init] }, runtime: runtimeOf([runOf(init, "running")]) }, phase: "Pending" },
  {
    name: "a sidecar has not started",
    seen: { spec: { initContainers: [sidecar] }, runtime: runtimeOf([runOf(sidecar, "running")]), health: { started: false, ready: false } },
    phase: "Pending",
  },
  { name: "a main container runs", seen: { runtime: runtimeOf([runOf(main, "running")]) }, phase: "Running" },
  { name: "the only container ended and restarts", seen: { runtime: runtimeOf([runOf(main, "exited", failed)]) }, phase: "Running" },
  { name: "all ended well and none restarts", seen: { spec: { restartPolicy: "OnFailure" }, runtime: runtimeOf([runOf(main, "exited")]) }, phase: "Succeeded" },
  {
    name: "one ended badly and none restarts",
    seen: { spec: { restartPolicy: "Never" }, runtime: runtimeOf([runOf(main, "exited", failed)]) },
    phase: "Failed",
  },
  {
    name: "an init container failed for good",
    seen: { spec: { restartPolicy: "Never", initContainers: [init] }, runtime: runtimeOf([runOf(init, "exited", failed)]) },
    phase: "Failed",
  },
  {
    name: "a sidecar outlives what succeeded, until it is stopped",
    seen: { spec: { restartPolicy: "Never", initContainers: [sidecar] }, runtime: runtimeOf([runOf(main, "exited"), runOf(sidecar, "running")]) },
    phase: "Running",
  },
  {
    name: "a sidecar failed after what succeeded",
    seen: {
      spec: { restartPolicy: "Never", initContainers: [sidecar] },
      runtime: runtimeOf([runOf(main, "exited"), runOf(sidecar, "exited", failed)]),
      terminal: true,
    },
    phase: "Succeeded",
  },
  { name: "a deleted pod's container was killed", seen: { runtime: runtimeOf([runOf(main, "exited", { exitCode: 137 })]), terminal: true }, phase: "Failed" },
  { name: "it was Failed before", seen: { runtime: runtimeOf([runOf(main, "running")]), before: { phase: "Failed" } }, phase: "Failed" },
  { name: "its time is up", seen: { runtime: runtimeOf([runOf(main, "running")]), verdict: { reason: "DeadlineExceeded", message: "late" } }, phase: "Failed" },
] as readonly { name: string; seen: Seen; phase: string }[]) {
  test(`computePodStatus() is ${phase} when ${name}`, () => assert.equal(statusOf(seen).phase, phase));
}

test("computePodStatus() waits with ContainerCreating, or PodInitializing where there are init containers", () => {
  assert.equal(statusOf({ runtime: NOTHING_RUNS }).containerStatuses?.[0]?.state.waiting?.reason, "ContainerCreating");
  assert.equal(statusOf({ spec: { initContainers: [init] }, runtime: NOTHING_RUNS }).containerStatuses?.[0]?.state.waiting?.reason, "PodInitializing");
});

test("computePodStatus() shows why a container waits, and how its last run ended", () => {
  const reasons = { c: { reason: "CrashLoopBackOff", message: "back-off" } };
  const [status] = statusOf({ runtime: runtimeOf([runOf(main, "exited", { ...failed, restartCount: 2 })]), reasons }).containerStatuses ?? [];
  assert.deepEqual(status?.state, { waiting: reasons.c });
  assert.equal(status?.lastState.terminated?.exitCode, 1);
  assert.equal(status?.restartCount, 2);
});

test("computePodStatus() has the run before as last state", () => {
  const runs = [runOf(main, "running", { restartCount: 1 }), runOf(main, "exited", failed)];
  const [status] = statusOf({ runtime: runtimeOf(runs) }).containerStatuses ?? [];
  assert.equal(status?.state.running?.startedAt, "1970-01-01T00:00:02Z");
  assert.equal(status?.lastState.terminated?.containerID, "containerd://c-0");
});

test("computePodStatus() does not take a lost container for one that never ran", () => {
  const before = statusOf({ runtime: runtimeOf([runOf(main, "running")]) });
  const [status] = statusOf({ runtime: NOTHING_RUNS, before }).containerStatuses ?? [];
  assert.equal(status?.lastState.terminated?.reason, "ContainerStatusUnknown");
  assert.equal(status?.restartCount, 1);
});

test("computePodStatus() has conditions in upstream's order", () => {
  const types = statusOf({ runtime: NOTHING_RUNS }).conditions?.map(({ type }) => type);
  assert.deepEqual(types, ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]);
});

for (const { name, seen, ready, initialized } of [
  {
    name: "not ready",
    seen: { runtime: runtimeOf([runOf(main, "running")]), health: { started: true, ready: false } },
    ready: ["False", "ContainersNotReady", "containers with unready status: [c]"],
    initialized: ["True"],
  },
  { name: "ready", seen: { runtime: runtimeOf([runOf(main, "running")]) }, ready: ["True"], initialized: ["True"] },
  {
    name: "initialising",
    seen: { spec: { initContainers: [init, containerOf("b")] }, runtime: runtimeOf([runOf(init, "running")]) },
    ready: ["False", "ContainersNotReady", "containers with unready status: [c]"],
    initialized: ["False", "ContainersNotInitialized", "containers with incomplete status: [init b]"],
  },
  {
    name: "done",
    seen: { spec: { restartPolicy: "Never" }, runtime: runtimeOf([runOf(main, "exited")]) },
    ready: ["False", "PodCompleted"],
    initialized: ["True", "PodCompleted"],
  },
  {
    name: "failed",
    seen: { spec: { restartPolicy: "Never" }, runtime: runtimeOf([runOf(main, "exited", failed)]) },
    ready: ["False", "PodFailed"],
    initialized: ["True"],
  },
  {
    name: "held back by a gate",
    seen: { spec: { readinessGates: [{ conditionType: "g" }] }, runtime: runtimeOf([runOf(main, "running")]) },
    ready: ["False", "ReadinessGatesNotReady", 'corresponding condition of pod readiness gate "g" does not exist.'],
    initialized: ["True"],
  },
] as readonly { name: string; seen: Seen; ready: string[]; initialized: string[] }[]) {
  test(`computePodStatus() tells that a pod is ${name}`, () => {
    const status = statusOf(seen);
    assert.deepEqual(condition(status, "Ready"), ready);
    assert.deepEqual(condition(status, "Initialized"), initialized);
  });
}

test("computePodStatus() keeps the time of a condition that stays, and conditions of others", () => {
  const old = [
    { type: "Ready", status: "True", lastTransitionTime: "2025-01-01T00:00:00Z" },
    { type: "example.test/gate", status: "True" },
  ];
  const { conditions = [] } = statusOf({ runtime: runtimeOf([runOf(main, "running")]), before: { conditions: old } });
  assert.equal(conditions.find(({ type }) => type === "Ready")?.lastTransitionTime, "2025-01-01T00:00:00Z");
  assert.equal(conditions.find(({ type }) => type === "ContainersReady")?.lastTransitionTime, "2026-01-01T12:00:00Z");
  assert.deepEqual(conditions.at(-1), old[1]);
});

test("computePodStatus() keeps a pod's address after its sandbox is gone", () => {
  const before = statusOf({ runtime: runtimeOf([runOf(main, "running")]) });
  assert.equal(before.podIP, "10.42.0.5");
  assert.equal(statusOf({ runtime: runtimeOf([], [{ ...READY_SANDBOX, ready: false, ips: [] }]), before }).podIP, "10.42.0.5");
});

test("statusPatch() is nothing for an equal status, and has only what changed", () => {
  const owned = ["Ready"];
  const status = statusOf({ runtime: runtimeOf([runOf(main, "running")]) });
  const fromApi = JSON.parse(JSON.stringify(status)) as PodStatus;
  assert.equal(statusPatch(fromApi, status, owned), undefined);
  assert.deepEqual(statusPatch(fromApi, { ...status, phase: "Failed", podIP: undefined, podIPs: [{ ip: "10.42.0.6" }] }, owned), {
    phase: "Failed",
    podIP: null,
    podIPs: [{ ip: "10.42.0.6" }, { $patch: "delete", ip: "10.42.0.5" }],
  });
});

test("statusPatch() takes a reason off a condition that has none any more, and leaves others' conditions alone", () => {
  const before = {
    conditions: [
      { type: "Ready", status: "False", reason: "R" },
      { type: "x", status: "True" },
    ],
  };
  const after = {
    conditions: [
      { type: "Ready", status: "True" },
      { type: "x", status: "False" },
    ],
  };
  assert.deepEqual(statusPatch(before, after, ["Ready"]), { conditions: [{ type: "Ready", status: "True", reason: null }] });
});
