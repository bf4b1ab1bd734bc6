import type { Pod, PodCondition } from "#api/core-v1/types.ts";

/** The part of a pod that these look at; a draft has it, too. */
type WithStatus = { readonly status?: { readonly phase?: string | undefined; readonly conditions?: readonly PodCondition[] | undefined } | undefined };

/** The pod's condition of a type, `undefined` when it has none. */
export function podCondition({ status }: WithStatus, type: string): PodCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: WithStatus): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

/** Whether all containers have ended for good. */
export function isPodFinished({ status }: WithStatus): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** Neither finished nor being deleted: what a controller counts as a replica. */
export function isPodActive(pod: Pod): boolean {
  return !isPodFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Being deleted, and not finished yet. */
export function isPodTerminating(pod: Pod): boolean {
  return !isPodFinished(pod) && pod.metadata.deletionTimestamp !== undefined;
}
