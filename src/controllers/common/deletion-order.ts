import { isPodReady, podCondition } from "#api/core-v1/pod/status.ts";
import { isSidecar } from "#api/core-v1/pod/resources.ts";
import type { Pod } from "#api/core-v1/types.ts";

const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };
const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";

/**
 * Pods in the order in which a controller that has too many deletes them.
 *
 * @param rankOf how many pods of the same owner run on the pod's node: crowded ones go first
 * @see kubernetes pkg/controller/controller_utils.go ActivePodsWithRanks
 */
export function inDeletionOrder(pods: readonly Pod[], rankOf: (pod: Pod) => number, nowMs: number): readonly Pod[] {
  return [...pods].sort((a, b) => compare(a, b, rankOf, nowMs));
}

function compare(a: Pod, b: Pod, rankOf: (pod: Pod) => number, nowMs: number): number {
  return (
    (a.spec.nodeName ? 1 : 0) - (b.spec.nodeName ? 1 : 0) ||
    (PHASES[a.status?.phase ?? ""] ?? 0) - (PHASES[b.status?.phase ?? ""] ?? 0) ||
    Number(isPodReady(a)) - Number(isPodReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    rankOf(b) - rankOf(a) ||
    (isPodReady(a) && isPodReady(b) ? compareAges(a, b, readyAtMs(a), readyAtMs(b), nowMs) : 0) ||
    restarts(b) - restarts(a) ||
    sidecarRestarts(b) - sidecarRestarts(a) ||
    compareAges(a, b, createdAtMs(a), createdAtMs(b), nowMs)
  );
}

function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[DELETION_COST] ?? "0";
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

const readyAtMs = (pod: Pod) => Date.parse(podCondition(pod, "Ready")?.lastTransitionTime ?? "") || 0;
const createdAtMs = ({ metadata }: Pod) => Date.parse(metadata.creationTimestamp ?? "") || 0;

/** The younger first; ages that are alike, by powers of two, in the order of the uids, so that no pod is favoured for its seconds. */
function compareAges(a: Pod, b: Pod, aMs: number, bMs: number, nowMs: number): number {
  if (aMs === bMs) return 0;
  if (aMs === 0 || bMs === 0) return aMs === 0 ? -1 : 1;
  return ageRank(nowMs - aMs) - ageRank(nowMs - bMs) || (a.metadata.uid! < b.metadata.uid! ? -1 : 1);
}

const ageRank = (ageMs: number) => (ageMs > 0 ? Math.trunc(Math.log2(ageMs * 1_000_000)) : -1);

function restarts({ status }: Pod): number {
  return Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));
}

function sidecarRestarts({ spec, status }: Pod): number {
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  return Math.max(0, ...(status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)).map(({ restartCount }) => restartCount));
}
