import type * as core from "#api/core-v1/types.ts";

type WithConditions = { readonly status?: { readonly conditions?: readonly core.PodCondition[] | undefined } | undefined };

/** The pod's condition of a type, `undefined` when it has none. */
export function podCondition(pod: WithConditions, type: string): core.PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: WithConditions): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

/** Ready for at least `minReadySeconds`. */
export function isPodAvailable(pod: WithConditions, minReadySeconds: number, now: Date): boolean {
  const ready = podCondition(pod, "Ready");
  if (ready?.status !== "True") return false;
  if (minReadySeconds === 0) return true;
  if (ready.lastTransitionTime === undefined) return false;
  return Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 <= now.getTime();
}

/** Whether all containers have ended for good. */
export function isPodTerminal(pod: { readonly status?: { readonly phase?: string | undefined } | undefined }): boolean {
  const phase = pod.status?.phase;
  return phase === "Succeeded" || phase === "Failed";
}

/** Neither ended nor being deleted: what a controller counts as a replica. */
export function isPodActive(pod: core.Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined;
}

/**
 * The list of conditions with `condition` in it. The time of its last transition stays while its status does; the list
 * itself is given back when nothing changes.
 *
 * @param now the clock, as a Kubernetes time
 */
export function withPodCondition(
  conditions: readonly core.PodCondition[] | undefined,
  condition: Omit<core.PodCondition, "lastTransitionTime">,
  now: string,
): readonly core.PodCondition[] {
  const list = conditions ?? [];
  const at = list.findIndex(({ type }) => type === condition.type);
  const old = list[at];
  if (old === undefined) return [...list, { ...condition, lastTransitionTime: now }];
  const lastTransitionTime = old.status === condition.status ? old.lastTransitionTime : now;
  const next: core.PodCondition = { ...condition, lastTransitionTime };
  return isSameCondition(old, next) ? list : list.with(at, next);
}

function isSameCondition(a: core.PodCondition, b: core.PodCondition): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.observedGeneration === b.observedGeneration &&
    a.lastProbeTime === b.lastProbeTime &&
    a.lastTransitionTime === b.lastTransitionTime
  );
}
