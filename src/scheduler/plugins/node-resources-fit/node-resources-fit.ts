import type { ResourceColumn } from "../../cluster/node-table.ts";
import { type FilterPlugin, MAX_NODE_SCORE, type Refusal, type ScorePlugin } from "../../framework.ts";

const NAME = "NodeResourcesFit";
/** The order in which upstream tells of them; other resources follow. */
const FIRST = ["cpu", "memory", "ephemeral-storage"];

/** Refuses nodes whose free resources are less than the pod's requests, or that have as many pods as they take. */
export const nodeResourcesFit: FilterPlugin = {
  name: NAME,
  wakesOn: ["nodeAdded", "nodeAllocatable", "podRemoved", "podChanged"],
  filterFor(pod, { nodes }) {
    const wanted = [...pod.requests].map(([name, amount]) => ({ name, amount, column: nodes.column(name) })).toSorted((a, b) => rank(a.name) - rank(b.name));
    const pods = nodes.column("pods");
    return (slot) => {
      const hasRoom = nodes.podCount[slot]! + 1 <= (pods?.allocatable[slot] ?? 0);
      if (hasRoom && wanted.every(({ column, amount }) => free(column, slot) >= amount)) return undefined;
      return refusal(slot, hasRoom, wanted);
    };
  },
};

function refusal(slot: number, hasRoom: boolean, wanted: readonly { name: string; amount: number; column: ResourceColumn | undefined }[]): Refusal {
  const lacking = wanted.filter(({ column, amount }) => free(column, slot) < amount);
  const reasons = [...(hasRoom ? [] : ["Too many pods"]), ...lacking.map(({ name }) => `Insufficient ${name}`)];
  return { plugin: NAME, reasons, unresolvable: lacking.some(({ column, amount }) => (column?.allocatable[slot] ?? 0) < amount) };
}

const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
const free = (column: ResourceColumn | undefined, slot: number) => (column === undefined ? 0 : column.allocatable[slot]! - column.requested[slot]!);

/** Prefers nodes that keep the larger share of CPU and memory free (LeastAllocated, both of weight 1). */
export const leastAllocated: ScorePlugin = {
  name: NAME,
  weight: 1,
  scorerFor(pod, { nodes }) {
    const cpu = nodes.column("cpu");
    const memory = nodes.column("memory");
    return {
      // With the pod counted in, containers without a request at their floor.
      score(slot) {
        const ofCpu = freeShare(cpu, slot, nodes.scoredMilliCpu[slot]! + pod.scoredMilliCpu);
        const ofMemory = freeShare(memory, slot, nodes.scoredMemoryBytes[slot]! + pod.scoredMemoryBytes);
        if (ofCpu === undefined) return ofMemory ?? 0;
        return ofMemory === undefined ? ofCpu : Math.trunc((ofCpu + ofMemory) / 2);
      },
    };
  },
};

/** 0 to `MAX_NODE_SCORE`; `undefined` when the node has none of the resource. */
function freeShare(column: ResourceColumn | undefined, slot: number, used: number): number | undefined {
  const capacity = column?.allocatable[slot] ?? 0;
  if (capacity === 0) return undefined;
  return used > capacity ? 0 : Math.trunc(((capacity - used) * MAX_NODE_SCORE) / capacity);
}
