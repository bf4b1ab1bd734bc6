import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from "#api/apps-v1/types.ts";
import { isPodActive, isPodReady, isPodTerminating } from "#api/core-v1/pod/status.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { selectsAll } from "#apimachinery/label-selector.ts";
import { inDeletionOrder } from "#controllers/common/deletion-order.ts";
import { availableAtMs } from "#controllers/common/pods.ts";
import { formatTime } from "#lib/clock.ts";

/** At most so many pods are made or deleted in one sync. */
export const BURST_REPLICAS = 500;

/** All that one decision may look at. Read-only: objects come from a shared cache. */
export interface Observed {
  readonly set: ReplicaSet;
  /** Those this set owns, in whatever state. */
  readonly pods: readonly Pod[];
  /** Those of all sets with the same controller, this one's included: which nodes they crowd. */
  readonly relatedPods: () => readonly Pod[];
  readonly nowMs: number;
}

export type Action = { readonly kind: "createPods"; readonly count: number } | { readonly kind: "deletePods"; readonly pods: readonly Pod[] };

/** Decides what brings the active pods to `set.spec.replicas`; a settled set gives no actions. */
export function reconcileReplicaSet({ set, pods, relatedPods, nowMs }: Observed): Action[] {
  if (set.metadata.deletionTimestamp !== undefined) return [];
  const active = pods.filter(isPodActive);
  const surplus = active.length - (set.spec.replicas ?? 1);
  if (surplus < 0) return [{ kind: "createPods", count: Math.min(-surplus, BURST_REPLICAS) }];
  if (surplus === 0) return [];
  const victims = surplus === active.length ? active : inDeletionOrder(active, crowding(relatedPods()), nowMs);
  return [{ kind: "deletePods", pods: victims.slice(0, Math.min(surplus, BURST_REPLICAS)) }];
}

/** A set's status as its pods have it; `failure` is what a create or delete met. */
export function replicaSetStatus({ set, pods, nowMs }: Pick<Observed, "set" | "pods" | "nowMs">, failure: Error | undefined): ReplicaSetStatus {
  const active = pods.filter(isPodActive);
  const { minReadySeconds = 0, template } = set.spec;
  const labelled = active.filter(({ metadata }) => selectsAll(template.metadata?.labels ?? {}, metadata.labels)).length;
  const ready = active.filter(isPodReady).length;
  const available = active.filter((pod) => (availableAtMs(pod, minReadySeconds) ?? Infinity) <= nowMs).length;
  const conditions = statusConditions(set, active.length, failure, nowMs);
  return {
    replicas: active.length,
    ...(labelled > 0 && { fullyLabeledReplicas: labelled }),
    ...(ready > 0 && { readyReplicas: ready }),
    ...(available > 0 && { availableReplicas: available }),
    terminatingReplicas: pods.filter(isPodTerminating).length,
    ...(set.metadata.generation !== undefined && { observedGeneration: set.metadata.generation }),
    ...(conditions.length > 0 && { conditions }),
  };
}

/** How long until the next pod has been ready for long enough; `undefined` when none is waited for. */
export function nextAvailabilityMs({ set, pods, nowMs }: Pick<Observed, "set" | "pods" | "nowMs">): number | undefined {
  const waits = pods
    .filter(isPodActive)
    .map((pod) => (availableAtMs(pod, set.spec.minReadySeconds ?? 0) ?? 0) - nowMs)
    .filter((waitMs) => waitMs > 0);
  return waits.length > 0 ? Math.min(...waits) : undefined;
}

function crowding(pods: readonly Pod[]): (pod: Pod) => number {
  const onNode = new Map<string, number>();
  for (const { spec } of pods.filter(isPodActive)) onNode.set(spec.nodeName ?? "", (onNode.get(spec.nodeName ?? "") ?? 0) + 1);
  return ({ spec }) => onNode.get(spec.nodeName ?? "") ?? 0;
}

/** A failure stays as it was first told until all goes well again. */
function statusConditions({ spec, status }: ReplicaSet, activeCount: number, failure: Error | undefined, nowMs: number): readonly ReplicaSetCondition[] {
  const before = status?.conditions ?? [];
  const told = before.find(({ type }) => type === "ReplicaFailure");
  if (failure === undefined) return told === undefined ? before : before.filter((condition) => condition !== told);
  if (told !== undefined) return before;
  const reason = activeCount < (spec.replicas ?? 1) ? "FailedCreate" : "FailedDelete";
  return [...before, { type: "ReplicaFailure", status: "True", lastTransitionTime: formatTime(nowMs), reason, message: failure.message }];
}
