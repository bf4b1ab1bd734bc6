import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { ReplicaSet, ReplicaSetStatus } from "#api/apps-v1/types.ts";
import { isPodActive, isPodReady } from "#api/core-v1/pod/status.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { BURST_REPLICAS, nextAvailabilityMs, reconcileReplicaSet, replicaSetStatus } from "#controllers/replicaset/reconcile.ts";
import { podIn, timeAt } from "#controllers/testing/objects.ts";

const NOW_MS = Date.parse(timeAt(1000));

function setOf(replicas: number, more: { spec?: object; status?: Partial<ReplicaSetStatus>; metadata?: object } = {}): ReplicaSet {
  return {
    metadata: { namespace: "default", name: "web", uid: "web", generation: 3, ...more.metadata },
    spec: { replicas, selector: { matchLabels: { app: "web" } }, template: { metadata: { labels: { app: "web" } } }, ...more.spec },
    status: more.status,
  } as unknown as ReplicaSet;
}

const decide = (set: ReplicaSet, pods: readonly Pod[]) => reconcileReplicaSet({ set, pods, relatedPods: () => pods, nowMs: NOW_MS });
const manyPods = (count: number) => Array.from({ length: count }, (_, i) => podIn({ name: `p${i}` }));
const summary = (actions: ReturnType<typeof decide>) =>
  actions.map((action) => [action.kind, action.kind === "createPods" ? action.count : action.pods.length]);

for (const { name, set, pods, want } of [
  { name: "creates what is missing", set: setOf(3), pods: manyPods(1), want: [["createPods", 2]] },
  { name: "deletes the surplus", set: setOf(1), pods: manyPods(3), want: [["deletePods", 2]] },
  { name: "leaves what is right", set: setOf(2), pods: manyPods(2), want: [] },
  { name: "creates so many at a time", set: setOf(2000), pods: [], want: [["createPods", BURST_REPLICAS]] },
  { name: "deletes so many at a time", set: setOf(0), pods: manyPods(600), want: [["deletePods", BURST_REPLICAS]] },
  { name: "does nothing while it is deleted", set: setOf(3, { metadata: { deletionTimestamp: timeAt(1) } }), pods: [], want: [] },
  {
    name: "replaces what has finished or leaves",
    set: setOf(2),
    pods: [podIn({ name: "a", phase: "Failed" }), podIn({ name: "b", leaving: true })],
    want: [["createPods", 2]],
  },
]) {
  test(`reconcileReplicaSet() ${name}`, () => assert.deepEqual(summary(decide(set, pods)), want));
}

const anyPod = fc.record({
  ready: fc.boolean(),
  node: fc.constantFrom("", "n1", "n2"),
  phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed"),
  second: fc.nat(900),
  leaving: fc.boolean(),
});
const anyPods = fc.array(anyPod, { maxLength: 12 }).map((states) => states.map((state, i) => podIn({ ...state, name: `p${i}` })));

test("reconcileReplicaSet() comes to the wanted number in one round, and takes the unready first", () => {
  fc.assert(
    fc.property(anyPods, fc.nat(12), (pods, replicas) => {
      const [action] = decide(setOf(replicas), pods);
      const active = pods.filter(isPodActive);
      const victims = action?.kind === "deletePods" ? action.pods : [];
      const created = action?.kind === "createPods" ? action.count : 0;
      assert.equal(active.length - victims.length + created, replicas);
      assert.ok(victims.every((pod) => active.includes(pod)));
      const isBound = ({ spec }: Pod) => spec.nodeName !== "";
      const kept = active.filter((pod) => !victims.includes(pod));
      // Whoever is bound, running and ready goes last.
      const isGood = (pod: Pod) => isBound(pod) && pod.status.phase === "Running" && isPodReady(pod);
      if (victims.some(isGood)) assert.ok(kept.every(isGood));
    }),
  );
});

test("replicaSetStatus() counts each pod where it belongs", () => {
  fc.assert(
    fc.property(anyPods, fc.nat(2000), (pods, minReadySeconds) => {
      const status = replicaSetStatus({ set: setOf(3, { spec: { minReadySeconds } }), pods, nowMs: NOW_MS }, undefined);
      const { replicas, readyReplicas = 0, availableReplicas = 0, terminatingReplicas = 0, fullyLabeledReplicas = 0 } = status;
      assert.equal(replicas, pods.filter(isPodActive).length);
      assert.equal(readyReplicas, pods.filter((pod) => isPodActive(pod) && isPodReady(pod)).length);
      assert.ok(availableReplicas <= readyReplicas && fullyLabeledReplicas === replicas && terminatingReplicas + replicas <= pods.length);
      // Until the next time told, nothing becomes available; then something does.
      const observed = { set: setOf(3, { spec: { minReadySeconds } }), pods, nowMs: NOW_MS };
      const waitMs = nextAvailabilityMs(observed);
      assert.equal(waitMs === undefined, availableReplicas === readyReplicas);
      if (waitMs === undefined) return;
      const availableAt = (nowMs: number) => replicaSetStatus({ ...observed, nowMs }, undefined).availableReplicas ?? 0;
      assert.equal(availableAt(NOW_MS + waitMs - 1), availableReplicas);
      assert.ok(availableAt(NOW_MS + waitMs) > availableReplicas);
    }),
  );
});

const told = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "first", lastTransitionTime: timeAt(1) };
for (const { name, replicas, status, failure, want } of [
  { name: "tells of a failed create", replicas: 2, status: {}, failure: new Error("no"), want: ["FailedCreate", "no"] },
  { name: "tells of a failed delete", replicas: 0, status: {}, failure: new Error("no"), want: ["FailedDelete", "no"] },
  { name: "leaves a failure as it was first told", replicas: 2, status: { conditions: [told] }, failure: new Error("again"), want: ["FailedCreate", "first"] },
  { name: "forgets a failure that is over", replicas: 1, status: { conditions: [told] }, failure: undefined, want: undefined },
]) {
  test(`replicaSetStatus() ${name}`, () => {
    const [condition] = replicaSetStatus({ set: setOf(replicas, { status }), pods: manyPods(1), nowMs: NOW_MS }, failure).conditions ?? [];
    assert.deepEqual(condition && [condition.reason, condition.message], want);
  });
}
