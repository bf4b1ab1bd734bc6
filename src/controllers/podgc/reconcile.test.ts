import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Pod } from "#api/core-v1/types.ts";
import { inCollectionOrder, whyCollect, withDisruption } from "#controllers/podgc/reconcile.ts";
import { nodeNamed, podIn } from "#controllers/testing/objects.ts";

const OUT = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute", value: "nodeshutdown" }];

for (const { name, pod, node, want } of [
  { name: "keeps a pod on its node", pod: podIn({ name: "p" }), node: nodeNamed("n1"), want: undefined },
  { name: "keeps a pod that waits for a node", pod: podIn({ name: "p", node: "" }), node: undefined, want: undefined },
  { name: "takes an unscheduled pod that leaves", pod: podIn({ name: "p", node: "", leaving: true }), node: undefined, want: "unscheduled" },
  { name: "takes a pod whose node is gone", pod: podIn({ name: "p" }), node: undefined, want: "nodeGone" },
  {
    name: "takes a pod that leaves a node out of service",
    pod: podIn({ name: "p", leaving: true }),
    node: nodeNamed("n1", { ready: false, taints: OUT }),
    want: "outOfService",
  },
  { name: "keeps one that does not leave it", pod: podIn({ name: "p" }), node: nodeNamed("n1", { ready: false, taints: OUT }), want: undefined },
  { name: "leaves a ready node's pods to its kubelet", pod: podIn({ name: "p", leaving: true }), node: nodeNamed("n1", { taints: OUT }), want: undefined },
  { name: "leaves a silent node's pods without the taint", pod: podIn({ name: "p", leaving: true }), node: nodeNamed("n1", { ready: false }), want: undefined },
]) {
  test(`whyCollect() ${name}`, () => assert.equal(whyCollect(pod, node), want));
}

for (const { name, reason, phase, want } of [
  {
    name: "fails a pod whose node is gone, and says whose doing it is",
    reason: "nodeGone",
    phase: "Running",
    want: ["Failed", "PodGC: node no longer exists"],
  },
  { name: "fails an unscheduled pod without more words", reason: "unscheduled", phase: "Pending", want: ["Failed", undefined] },
  { name: "leaves a pod that has finished", reason: "nodeGone", phase: "Succeeded", want: ["Succeeded", undefined] },
] as const) {
  test(`withDisruption() ${name}`, () => {
    const { phase: after, conditions = [] } = withDisruption(podIn({ name: "p", phase }), reason, 0).status;
    assert.deepEqual([after, conditions.find(({ type }) => type === "DisruptionTarget")?.message], want);
    assert.equal(conditions.filter(({ type }) => type === "Ready").length, 1);
  });
}

test("inCollectionOrder() gives up evicted pods, then the oldest, then by name", () => {
  const states = fc.record({ second: fc.nat(5), evicted: fc.boolean() });
  fc.assert(
    fc.property(fc.array(states, { maxLength: 8 }), (all) => {
      const pods = all.map(({ second, evicted }, i) => {
        const pod = podIn({ name: `p${i}`, second, phase: "Failed" });
        return evicted ? ({ ...pod, status: { ...pod.status, reason: "Evicted" } } as Pod) : pod;
      });
      const ordered = inCollectionOrder(pods);
      assert.deepEqual(new Set(ordered), new Set(pods));
      const rank = ({ metadata, status }: Pod) => `${status.reason === "Evicted" ? 0 : 1} ${metadata.creationTimestamp} ${metadata.name}`;
      assert.deepEqual(ordered.map(rank), pods.map(rank).sort());
    }),
  );
});
