import { isSidecar, podLimits, podRequests, qosClass } from "#api/core-v1/pod/resources.ts";
import type { Container, Pod } from "#api/core-v1/types.ts";
import { milliValue, wholeValue } from "#apimachinery/quantity.ts";

/** What a cgroup is to have; absent parts are not limited. */
export interface CgroupResources {
  readonly cpuShares: number;
  readonly cpuQuota?: number;
  readonly memoryBytes?: number;
}

export const CPU_PERIOD_US = 100_000;
const MIN_QUOTA_US = 1000;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;

export function sharesOf(milliCpu: number): number {
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((milliCpu * 1024) / 1000)));
}

function quotaOf(milliCpu: number): number {
  return Math.max(MIN_QUOTA_US, Math.floor((milliCpu * CPU_PERIOD_US) / 1000));
}

/** A cgroup v2 weight for a v1 number of shares. */
export function weightOf(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

/** The limits of one container. */
export function containerResources({ resources }: Pick<Container, "resources">): CgroupResources {
  const { cpu, memory } = resources?.limits ?? {};
  return cgroupResources(resources?.requests?.["cpu"] ?? cpu, cpu, memory);
}

/** The limits of a pod's cgroup: CPU and memory only where every container has one, or the pod as a whole. */
export function podResources({ spec }: Pick<Pod, "spec">): CgroupResources {
  const requests = podRequests(spec);
  const limits = podLimits(spec);
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  const limited = (name: string) => {
    const isLimited = spec.resources?.limits?.[name] !== undefined || containers.every(({ resources }) => resources?.limits?.[name] !== undefined);
    return isLimited ? limits[name] : undefined;
  };
  return cgroupResources(requests["cpu"], limited("cpu"), limited("memory"));
}

/** A limit of zero is none. */
function cgroupResources(cpuRequest = "0", cpuLimit = "0", memoryLimit = "0"): CgroupResources {
  const limitMilli = milliValue(cpuLimit);
  const memoryBytes = wholeValue(memoryLimit);
  return {
    cpuShares: sharesOf(milliValue(cpuRequest)),
    ...(limitMilli > 0 && { cpuQuota: quotaOf(limitMilli) }),
    ...(memoryBytes > 0 && { memoryBytes }),
  };
}

/**
 * How readily the kernel kills the container when memory is short.
 *
 * @param nodeMemoryBytes the node's capacity
 * @see pkg/kubelet/qos/policy.go
 */
export function oomScoreAdjust(pod: Pick<Pod, "spec">, container: Container, nodeMemoryBytes: number): number {
  if (["system-node-critical"].includes(pod.spec.priorityClassName ?? "")) return -997;
  const qos = qosClass(pod);
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const requestOf = (c: Container) => wholeValue(c.resources?.requests?.["memory"] ?? c.resources?.limits?.["memory"] ?? "0");
  const own = requestOf(container);
  const sidecar = pod.spec.initContainers?.some((init) => init.name === container.name && isSidecar(init)) ?? false;
  const request = sidecar ? Math.max(own, Math.min(...pod.spec.containers.map(requestOf))) : own;
  const score = 1000 - Math.floor((1000 * request) / nodeMemoryBytes);
  return Math.min(999, Math.max(3, score));
}
