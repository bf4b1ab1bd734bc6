import type { Pod, PodStatus } from "#api/core-v1/types.ts";
import { qosClass } from "#api/core-v1/pod/resources.ts";

import { podConditions } from "./conditions.ts";
import { containerStatuses, type ContainerView } from "./container-statuses.ts";
import { type PodPhase, podPhase } from "./phase.ts";

/** Why a pod ended otherwise than by its containers' own doing. */
export interface PodVerdict {
  readonly reason: string;
  readonly message: string;
}

export interface StatusView extends ContainerView {
  readonly nodeIps: readonly string[];
  /** When the kubelet first saw the pod. */
  readonly startTime: string;
  /** Nothing will be started any more: the pod is being deleted, or its containers are done. */
  readonly terminal: boolean;
  readonly verdict: PodVerdict | undefined;
  readonly nowMs: number;
}

/**
 * A pod's whole status from what the runtime and probes show.
 *
 * @see pkg/kubelet/kubelet_pods.go generateAPIPodStatus
 */
export function computePodStatus(view: StatusView): PodStatus {
  const { pod, runtime, nodeIps } = view;
  const initStatuses = containerStatuses("init", view);
  const statuses = containerStatuses("main", view);
  const ephemeral = containerStatuses("ephemeral", view);
  const initialized = pod.spec.containers.some(({ name }) => runtime.containers.some((run) => run.name === name));
  const phase = phaseOf(view, podPhase(pod, [...initStatuses, ...statuses], view.terminal, initialized));
  const sandbox = runtime.sandboxes[0];
  const sandboxReady = sandbox?.ready === true && (pod.spec.hostNetwork === true || sandbox.ips.length > 0);
  const conditions = podConditions({ pod, phase, initStatuses, statuses, sandboxReady, nowMs: view.nowMs });
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !conditions.some((condition) => condition.type === type));
  const ips = podIps(view);
  const { generation } = pod.metadata;
  return {
    ...(generation !== undefined && generation > 0 && { observedGeneration: generation }),
    phase,
    conditions: [...conditions, ...others],
    ...(view.verdict ?? keptVerdict(pod)),
    ...(nodeIps[0] !== undefined && { hostIP: nodeIps[0], hostIPs: nodeIps.map((ip) => ({ ip })) }),
    ...(ips[0] !== undefined && { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime: view.startTime,
    ...(initStatuses.length > 0 && { initContainerStatuses: initStatuses }),
    containerStatuses: statuses,
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
  };
}

/** A phase that has ended stays, and a verdict is a failure. */
function phaseOf({ pod, verdict }: StatusView, computed: PodPhase): PodPhase {
  const before = pod.status?.phase;
  if (before === "Succeeded" || before === "Failed") return before;
  return verdict === undefined ? computed : "Failed";
}

function keptVerdict({ status }: Pod): Partial<PodVerdict> {
  if (status?.phase !== "Failed") return {};
  return { ...(status.reason !== undefined && { reason: status.reason }), ...(status.message !== undefined && { message: status.message }) };
}

/** Those of the newest sandbox; a pod that has ended keeps what it had. */
export function podIps({ pod, runtime, nodeIps }: Pick<StatusView, "pod" | "runtime" | "nodeIps">): readonly string[] {
  if (pod.spec.hostNetwork) return nodeIps;
  const ips = runtime.sandboxes[0]?.ips ?? [];
  return ips.length > 0 ? ips : (pod.status?.podIPs ?? []).map(({ ip }) => ip);
}
