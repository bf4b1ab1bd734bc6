import type { PodInfo } from "./cluster/pod-info.ts";
import type { Refusal } from "./framework.ts";

/** Upstream counts its preemption's answers over all nodes; a pod that may not preempt hears only why. */
const NO_VICTIMS = "No preemption victims found for incoming pod";
const NOT_HELPFUL = "Preemption is not helpful for scheduling";

/**
 * Why no node fits, as upstream says it in the event and the PodScheduled condition.
 *
 * @see kubernetes pkg/scheduler/framework/types.go FitError
 */
export function explain(pod: PodInfo, refusals: readonly Refusal[], nodeCount: number): string {
  if (nodeCount === 0) return "no nodes available to schedule pods";
  const filters = histogram(refusals.flatMap(({ reasons }) => reasons));
  return `0/${nodeCount} nodes are available: ${filters}. no new claims to deallocate, preemption: ${preemption(pod, refusals, nodeCount)}`;
}

function preemption({ pod }: PodInfo, refusals: readonly Refusal[], nodeCount: number): string {
  if (pod.spec.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
  return `0/${nodeCount} nodes are available: ${histogram(refusals.map(({ unresolvable }) => (unresolvable ? NOT_HELPFUL : NO_VICTIMS)))}.`;
}

/** `2 Insufficient cpu, 1 node(s) were unschedulable`, sorted as text. */
function histogram(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}
