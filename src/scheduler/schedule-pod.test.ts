import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import type { Node, Pod } from "#api/core-v1/types.ts";
import { seededRng } from "#lib/rng.ts";

import { ClusterState } from "./cluster/cluster-state.ts";
import { podInfo } from "./cluster/pod-info.ts";
import { DEFAULT_PROFILE } from "./default-profile.ts";
import { explain } from "./explain.ts";
import { feasibleNodesToFind, schedulePod } from "./schedule-pod.ts";
import { node, pod } from "./testing/world.ts";

function cluster(nodes: readonly Node[], bound: readonly [Pod, string][] = []): ClusterState {
  const state = new ClusterState();
  for (const n of nodes) state.setNode(n);
  for (const [p, nodeName] of bound) state.setPod({ ...p, spec: { ...p.spec, nodeName } });
  return state;
}

function decide(state: ClusterState, wanted: Pod, seed = 1) {
  const info = podInfo(wanted);
  const decision = schedulePod({ pod: info, cluster: state, profile: DEFAULT_PROFILE, rng: seededRng(seed), startAt: 0 });
  return decision.fits ? decision.nodeName : explain(info, decision.refusals, decision.nodeCount);
}

const PREEMPTION = "no new claims to deallocate, preemption:";
const noSchedule = { key: "dedicated", value: "x", effect: "NoSchedule" };

for (const { name, nodes, bound = [], wanted, want } of [
  { name: "says when there is no node", nodes: [], wanted: pod("p"), want: "no nodes available to schedule pods" },
  {
    name: "refuses what no node could ever give",
    nodes: [node("a")],
    wanted: pod("p", { requests: { cpu: "100" } }),
    want: `0/1 nodes are available: 1 Insufficient cpu. ${PREEMPTION} 0/1 nodes are available: 1 Preemption is not helpful for scheduling.`,
  },
  {
    name: "refuses what is taken for now",
    nodes: [node("a")],
    bound: [[pod("big", { requests: { cpu: "3500m" } }), "a"]] as [Pod, string][],
    wanted: pod("p", { requests: { cpu: "1" } }),
    want: `0/1 nodes are available: 1 Insufficient cpu. ${PREEMPTION} 0/1 nodes are available: 1 No preemption victims found for incoming pod.`,
  },
  {
    name: "takes the node with more room",
    nodes: [node("a"), node("b")],
    bound: [[pod("big", { requests: { cpu: "2", memory: "4Gi" } }), "a"]] as [Pod, string][],
    wanted: pod("p", { requests: { cpu: "1" } }),
    want: "b",
  },
  { name: "keeps off tainted nodes", nodes: [node("a", { taints: [noSchedule] }), node("b")], wanted: pod("p"), want: "b" },
  {
    name: "goes to a tainted node that the pod tolerates",
    nodes: [node("a", { taints: [noSchedule] })],
    wanted: pod("p", { tolerations: [{ key: "dedicated", operator: "Exists" }] }),
    want: "a",
  },
  {
    name: "prefers a node without a soft taint",
    nodes: [node("a", { taints: [{ ...noSchedule, effect: "PreferNoSchedule" }] }), node("b")],
    wanted: pod("p"),
    want: "b",
  },
  { name: "keeps off cordoned nodes", nodes: [node("a", { unschedulable: true }), node("b")], wanted: pod("p"), want: "b" },
  {
    name: "follows the node selector",
    nodes: [node("a"), node("b", { labels: { disk: "ssd" } })],
    wanted: pod("p", { nodeSelector: { disk: "ssd" } }),
    want: "b",
  },
  {
    name: "counts every reason over the nodes",
    nodes: [node("a", { unschedulable: true }), node("b", { taints: [noSchedule] }), node("c", { taints: [noSchedule] })],
    wanted: pod("p"),
    want: `0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s). ${PREEMPTION} 0/3 nodes are available: 3 Preemption is not helpful for scheduling.`,
  },
  {
    name: "says why a pod that may not preempt does not",
    nodes: [node("a", { unschedulable: true })],
    wanted: pod("p", { preemptionPolicy: "Never" }),
    want: `0/1 nodes are available: 1 node(s) were unschedulable. ${PREEMPTION} not eligible due to preemptionPolicy=Never.`,
  },
  {
    name: "keeps within the number of pods",
    nodes: [node("a", { allocatable: { pods: "1" } }), node("b")],
    bound: [[pod("x"), "a"]] as [Pod, string][],
    wanted: pod("p"),
    want: "b",
  },
]) {
  test(`schedulePod() ${name}`, () => assert.equal(decide(cluster(nodes, bound), wanted), want));
}

const withPort = (name: string, hostIP?: string): Pod => {
  const plain = pod(name);
  const ports = [{ containerPort: 80, hostPort: 80, protocol: "TCP", ...(hostIP && { hostIP }) }];
  return { ...plain, spec: { ...plain.spec, containers: [{ ...plain.spec.containers[0]!, ports }] } };
};

test("schedulePod() refuses a taken host port, on the same address or on all", () => {
  const state = cluster([node("a")], [[withPort("x", "10.0.0.1"), "a"]]);
  assert.equal(decide(state, withPort("p", "10.0.0.2")), "a");
  assert.match(decide(state, withPort("p", "10.0.0.1")), /1 node\(s\) didn't have free ports for the requested pod ports/);
  assert.match(decide(state, withPort("p")), /didn't have free ports/);
});

test("schedulePod() follows required node affinity by expressions and by name", () => {
  const affinity = (term: object) => ({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } } });
  const state = cluster([node("a"), node("b", { labels: { gen: "7" } })]);
  assert.equal(decide(state, pod("p", { affinity: affinity({ matchFields: [{ key: "metadata.name", operator: "In", values: ["a"] }] }) })), "a");
  assert.equal(decide(state, pod("p", { affinity: affinity({ matchExpressions: [{ key: "gen", operator: "Gt", values: ["6"] }] }) })), "b");
  assert.match(decide(state, pod("p", { affinity: affinity({}) })), /2 node\(s\) didn't match Pod's node affinity\/selector/);
});

test("schedulePod() draws among equals", () => {
  const state = cluster([node("a"), node("b"), node("c")]);
  const chosen = new Set(Array.from({ length: 60 }, (_, seed) => decide(state, pod("p"), seed)));
  assert.deepEqual([...chosen].sort(), ["a", "b", "c"]);
});

test("schedulePod() never exceeds what a node has, and a node's sums are those of its pods", () => {
  const request = fc.record({ cpu: fc.integer({ min: 0, max: 3000 }).map((m) => `${m}m`), memory: fc.integer({ min: 0, max: 6 }).map((g) => `${g}Gi`) });
  fc.assert(
    fc.property(fc.array(fc.record({ request, leaves: fc.boolean() }), { maxLength: 40 }), fc.integer(), (steps, seed) => {
      const state = cluster([node("a"), node("b"), node("c", { allocatable: { pods: "3" } })]);
      for (const [i, { request, leaves }] of steps.entries()) {
        const wanted = pod(`p${i}`, { requests: request });
        const target = decide(state, wanted, seed);
        if (!["a", "b", "c"].includes(target)) continue;
        state.assume(podInfo(wanted), target);
        if (leaves) state.removePod(wanted.metadata.uid);
      }
      for (const name of ["a", "b", "c"]) assertConsistent(state, name);
    }),
  );
});

function assertConsistent(state: ClusterState, name: string): void {
  const slot = state.nodes.slotOf(name)!;
  const pods = [...state.podsOn(name)];
  for (const resource of ["cpu", "memory"]) {
    const { allocatable, requested } = state.nodes.column(resource)!;
    assert.equal(
      requested[slot],
      pods.reduce((sum, p) => sum + (p.requests.get(resource) ?? 0), 0),
    );
    assert.ok(requested[slot]! <= allocatable[slot]!);
  }
  assert.equal(state.nodes.podCount[slot], pods.length);
  assert.ok(pods.length <= state.nodes.column("pods")!.allocatable[slot]!);
}

test("ClusterState keeps pods of a node that goes and comes back", () => {
  const state = cluster([node("a")], [[pod("x", { requests: { cpu: "1" } }), "a"]]);
  state.removeNode("a");
  state.setNode(node("a"));
  assert.equal(state.nodes.column("cpu")!.requested[state.nodes.slotOf("a")!], 1000);
});

test("feasibleNodesToFind() is all of up to 100 nodes, then a falling share", () => {
  assert.deepEqual([3, 99, 100, 1000, 5000, 6000].map(feasibleNodesToFind), [3, 99, 100, 420, 500, 300]);
});
