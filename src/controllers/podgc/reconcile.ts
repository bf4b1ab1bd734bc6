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
  const isReady = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  const isOut = node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) ?? false;
  return metadata.deletionTimestamp !== undefined && !isReady && isOut ? "outOfService" : undefined;
}

const MESSAGES: Partial<Record<CollectReason, string>> = {
  nodeGone: "PodGC: node no longer exists",
  outOfService: "PodGC: node is out-of-service",
};

/** The pod marked failed, as somebody's doing and not its own; the pod itself where there is nothing to tell. */
export function withDisruption(pod: Pod, reason: CollectReason, nowMs: number): Pod {
  const message = MESSAGES[reason];
  if (message === undefined || isPodFinished(pod)) return pod;
  const condition = { type: "DisruptionTarget", status: "True", reason: "DeletionByPodGC", message, lastTransitionTime: formatTime(nowMs) };
  const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type), condition];
  return { ...pod, status: { ...pod.status, phase: "Failed", conditions } };
}
