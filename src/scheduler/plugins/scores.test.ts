import assert from "node:assert/strict";
import { test } from "node:test";

import { ClusterState } from "../cluster/cluster-state.ts";
import { podInfo } from "../cluster/pod-info.ts";
import { node, pod } from "../testing/world.ts";
import { balancedAllocation } from "./node-resources-balanced-allocation/balanced-allocation.ts";
import { leastAllocated } from "./node-resources-fit/node-resources-fit.ts";

const EVEN = { cpu: "4", memory: "4Gi" };
const NO_MEMORY = { cpu: "4", memory: "0" };

for (const { name, plugin, allocatable, requests, want } of [
  { name: "leastAllocated: half of both leaves 50", plugin: leastAllocated, allocatable: EVEN, requests: { cpu: "2", memory: "2Gi" }, want: 50 },
  { name: "leastAllocated: the mean of both shares", plugin: leastAllocated, allocatable: EVEN, requests: { cpu: "1", memory: "2Gi" }, want: 62 },
  {
    name: "leastAllocated: more than there is leaves nothing of it",
    plugin: leastAllocated,
    allocatable: EVEN,
    requests: { cpu: "5", memory: "2Gi" },
    want: 25,
  },
  { name: "leastAllocated: a resource the node lacks does not count", plugin: leastAllocated, allocatable: NO_MEMORY, requests: { cpu: "1" }, want: 75 },
  { name: "balancedAllocation: equal shares are best", plugin: balancedAllocation, allocatable: EVEN, requests: { cpu: "1", memory: "1Gi" }, want: 100 },
  {
    name: "balancedAllocation: falls with half the difference",
    plugin: balancedAllocation,
    allocatable: EVEN,
    requests: { cpu: "1", memory: "3Gi" },
    want: 75,
  },
  { name: "balancedAllocation: one resource alone is in balance", plugin: balancedAllocation, allocatable: NO_MEMORY, requests: { cpu: "1" }, want: 100 },
  { name: "balancedAllocation: has no say without requests", plugin: balancedAllocation, allocatable: EVEN, requests: {}, want: undefined },
]) {
  test(name, () => {
    const cluster = new ClusterState();
    cluster.setNode(node("n", { allocatable }));
    const scorer = plugin.scorerFor(podInfo(pod("p", { requests })), cluster);
    assert.equal(scorer?.score(cluster.nodes.slotOf("n") as number), want);
  });
}
