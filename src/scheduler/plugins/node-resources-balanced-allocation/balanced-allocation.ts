import type { ResourceColumn } from "../../cluster/node-table.ts";
import { MAX_NODE_SCORE, type ScorePlugin } from "../../framework.ts";

/** Prefers nodes where CPU and memory would be used to the same degree; says nothing of pods that ask for neither. */
export const balancedAllocation: ScorePlugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  scorerFor(pod, { nodes }) {
    if (!pod.hasRequests) return undefined;
    const wanted = ["cpu", "memory"].map((name) => ({ column: nodes.column(name), amount: pod.requests.get(name) ?? 0 }));
    return { score: (slot) => balance(wanted.map(({ column, amount }) => fraction(column, slot, amount)).filter((f) => f !== undefined)) };
  },
};

function fraction(column: ResourceColumn | undefined, slot: number, amount: number): number | undefined {
  const capacity = column?.allocatable[slot] ?? 0;
  return capacity === 0 ? undefined : Math.min(1, (column!.requested[slot]! + amount) / capacity);
}

function balance(fractions: readonly number[]): number {
  const deviation = fractions.length === 2 ? Math.abs(fractions[0]! - fractions[1]!) / 2 : 0;
  return Math.trunc((1 - deviation) * MAX_NODE_SCORE);
}
