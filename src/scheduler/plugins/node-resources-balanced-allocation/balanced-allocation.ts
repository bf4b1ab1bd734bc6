import type { ResourceColumn } from "../../cluster/node-table.ts";
import { MAX_NODE_SCORE, type ScorePlugin } from "../../framework.ts";

/** Prefers nodes where CPU and memory would be used to the same degree; says nothing of pods that ask for neither. */
export const balancedAllocation: ScorePlugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  scorerFor(pod, { nodes }) {
    if (!pod.hasRequests) return undefined;
    const cpu = nodes.column("cpu");
    const memory = nodes.column("memory");
    const wantedCpu = pod.requests.get("cpu") ?? 0;
    const wantedMemory = pod.requests.get("memory") ?? 0;
    return { score: (slot) => balance(fraction(cpu, slot, wantedCpu), fraction(memory, slot, wantedMemory)) };
  },
};

/** The used share; not a number where the node has none of the resource. */
function fraction(column: ResourceColumn | undefined, slot: number, amount: number): number {
  const capacity = column?.allocatable[slot] ?? 0;
  return capacity === 0 ? Number.NaN : Math.min(1, (column!.requested[slot]! + amount) / capacity);
}

/** A single resource is always in balance. */
function balance(cpu: number, memory: number): number {
  const deviation = Math.abs(cpu - memory) / 2;
  return Math.trunc((1 - (Number.isNaN(deviation) ? 0 : deviation)) * MAX_NODE_SCORE);
}
