import type { ContainerImage, NodeCondition, NodeStatus } from "#api/core-v1/types.ts";
import type { Image } from "#kubelet/cri/types.ts";
import { formatTime } from "#lib/clock.ts";

import type { Machine } from "./machine.ts";

export interface NodeView {
  readonly machine: Machine;
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly kubeletPort: number;
  readonly kubeletVersion: string;
  /** `containerd://1.6.20`, or nothing before it answered. */
  readonly runtimeVersion: string;
  readonly images: readonly Image[];
  /** Why the node is not ready; empty when it is. */
  readonly problems: readonly string[];
  readonly before: NodeStatus | undefined;
  readonly nowMs: number;
}

const MAX_IMAGES = 50;
const MAX_NAMES = 5;

/** A node's whole status. @see pkg/kubelet/nodestatus/setters.go */
export function nodeStatus(view: NodeView): NodeStatus {
  const { machine, nodeName, nodeIps, kubeletPort, kubeletVersion, runtimeVersion } = view;
  return {
    capacity: machine.capacity,
    allocatable: machine.allocatable,
    conditions: conditions(view),
    addresses: [...nodeIps.map((address) => ({ type: "InternalIP", address })), { type: "Hostname", address: nodeName }],
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    nodeInfo: { ...machine.info, containerRuntimeVersion: runtimeVersion, kubeletVersion },
    images: imageList(view.images),
    runtimeHandlers: [{ name: "", features: { recursiveReadOnlyMounts: false, userNamespaces: false } }],
  };
}

function conditions({ problems, before, nowMs }: NodeView): NodeCondition[] {
  const ready = problems.length === 0;
  const message = problems.length === 1 ? (problems[0] as string) : `[${problems.join(", ")}]`;
  const drafts: Pick<NodeCondition, "type" | "status" | "reason" | "message">[] = [
    { type: "MemoryPressure", status: "False", reason: "KubeletHasSufficientMemory", message: "kubelet has sufficient memory available" },
    { type: "DiskPressure", status: "False", reason: "KubeletHasNoDiskPressure", message: "kubelet has no disk pressure" },
    { type: "PIDPressure", status: "False", reason: "KubeletHasSufficientPID", message: "kubelet has sufficient PID available" },
    ready
      ? { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
      : { type: "Ready", status: "False", reason: "KubeletNotReady", message },
  ];
  const now = formatTime(nowMs);
  const own = drafts.map((draft) => {
    const old = before?.conditions?.find(({ type }) => type === draft.type);
    return { ...draft, lastHeartbeatTime: now, lastTransitionTime: old?.status === draft.status ? (old.lastTransitionTime ?? now) : now };
  });
  return [...own, ...(before?.conditions ?? []).filter(({ type }) => !drafts.some((draft) => draft.type === type))];
}

/** The largest images first, with at most five names each. */
export function imageList(images: readonly Image[]): ContainerImage[] {
  return [...images]
    .sort((a, b) => b.size - a.size)
    .slice(0, MAX_IMAGES)
    .map(({ repoDigests, repoTags, size }) => ({ names: [...repoDigests, ...repoTags].slice(0, MAX_NAMES), sizeBytes: size }));
}
