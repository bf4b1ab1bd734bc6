import { isPodFinished } from "#api/core-v1/pod/status.ts";
import type { Node, Pod } from "#api/core-v1/types.ts";
import { formatTime } from "#lib/clock.ts";

export type CollectReason = "nodeGone" | "unscheduled" | "outOfService";

const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";

/**
 * Why a pod is to be deleted by force, if it is.
 *
 * @param node the pod's node, if there is one of that name
 */
export function whyCollect({ metadata, spec }: Pod, node: Node | undefined): CollectReason | undefined {
  if (!spec.nodeName) return metadata.deletionTimestamp === undefined ? undefined : "unscheduled";
  if (node === undefined) return "nodeGone";
  return metadata.deletionTimestamp !== undefined && isOutOfService(node) ? "outOfService" : undefined;
}

/** Down, and said by somebody to stay so. */
export function isOutOfService({ spec, status }: Node): boolean {
  const isReady = status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
  return !isReady && (spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) ?? false);
}

const MESSAGES: Readonly<Record<CollectReason, string | undefined>> = {
  unscheduled: undefined,
  nodeGone: "PodGC: node no longer exists",
  outOfService: "PodGC: node is out-of-service",
};

/** The pod marked failed, where it was bound as somebody's doing and not its own; a finished pod stays as it is. */
export function withDisruption(pod: Pod, reason: CollectReason, nowMs: number): Pod {
  if (isPodFinished(pod)) return pod;
  const message = MESSAGES[reason];
  if (message === undefined) return { ...pod, status: { ...pod.status, phase: "Failed" } };
  const condition = { type: "DisruptionTarget", status: "True", reason: "DeletionByPodGC", message, lastTransitionTime: formatTime(nowMs) };
  const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type), condition];
  return { ...pod, status: { ...pod.status, phase: "Failed", conditions } };
}

/** Finished pods in the order in which they are given up: those that were evicted, then the oldest. */
export function inCollectionOrder(pods: readonly Pod[]): readonly Pod[] {
  const rank = ({ metadata, status }: Pod) =>
    [status?.phase === "Failed" && status.reason === "Evicted" ? 0 : 1, metadata.creationTimestamp ?? "", metadata.name] as const;
  return pods
    .map((pod) => [rank(pod), pod] as const)
    .sort(([a], [b]) => a[0] - b[0] || (a[1] === b[1] ? (a[2] < b[2] ? -1 : 1) : a[1] < b[1] ? -1 : 1))
    .map(([, pod]) => pod);
}
