import type { Container, Pod } from "#api/core-v1/types.ts";

import { isSidecar } from "./containers.ts";
import { ceilQuantity, milliValue, quantityValue } from "./quantity.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

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

/** @see pkg/apis/core/v1/helper/qos/qos.go */
export function qosClassOf({ spec }: Pick<Pod, "spec">): QosClass {
  const lists =
    spec.resources?.requests || spec.resources?.limits ? [spec.resources] : [...spec.containers, ...(spec.initContainers ?? [])].map((c) => c.resources ?? {});
  const positive = (text: string | undefined) => (quantityValue(text) ?? 0) > 0;
  const any = lists.some(({ requests, limits }) => ["cpu", "memory"].some((name) => positive(requests?.[name]) || positive(limits?.[name])));
  if (!any) return "BestEffort";
  const guaranteed = lists.every(({ requests, limits }) =>
    ["cpu", "memory"].every((name) => positive(limits?.[name]) && quantityValue(requests?.[name] ?? limits?.[name]) === quantityValue(limits?.[name])),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}

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
  const limitMilli = milliValue(resources?.limits?.["cpu"]);
  const requestMilli = milliValue(resources?.requests?.["cpu"]) ?? limitMilli ?? 0;
  const memory = quantityValue(resources?.limits?.["memory"]);
  return {
    cpuShares: sharesOf(requestMilli),
    ...(limitMilli !== undefined && limitMilli > 0 && { cpuQuota: quotaOf(limitMilli) }),
    ...(memory !== undefined && memory > 0 && { memoryBytes: ceilQuantity(memory) }),
  };
}

/** The limits of a pod's cgroup: CPU and memory only where every container has one. */
export function podResources(pod: Pick<Pod, "spec">): CgroupResources {
  const milli = (list: "requests" | "limits") => podTotal(pod, (c) => milliValue(c.resources?.[list]?.["cpu"]) ?? 0);
  const memory = podTotal(pod, (c) => quantityValue(c.resources?.limits?.["memory"]) ?? 0);
  const all = (name: string) =>
    [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].every((c) => (quantityValue(c.resources?.limits?.[name]) ?? 0) > 0);
  const requests = podTotal(pod, (c) => milliValue(c.resources?.requests?.["cpu"] ?? c.resources?.limits?.["cpu"]) ?? 0);
  return {
    cpuShares: sharesOf(requests),
    ...(all("cpu") && { cpuQuota: quotaOf(milli("limits")) }),
    ...(all("memory") && { memoryBytes: ceilQuantity(memory) }),
  };
}

/** The most that a pod uses at any time: each init container beside earlier sidecars, or all main containers and sidecars. */
export function podTotal({ spec }: Pick<Pod, "spec">, amount: (container: Container) => number): number {
  let sidecars = 0;
  let most = 0;
  for (const container of spec.initContainers ?? []) {
    if (isSidecar(container)) sidecars += amount(container);
    most = Math.max(most, sidecars + (isSidecar(container) ? 0 : amount(container)));
  }
  return Math.max(most, sidecars + spec.containers.reduce((sum, container) => sum + amount(container), 0));
}

/**
 * How readily the kernel kills the container when memory is short.
 *
 * @param nodeMemoryBytes the node's capacity
 * @see pkg/kubelet/qos/policy.go
 */
export function oomScoreAdjust(pod: Pick<Pod, "spec">, container: Container, nodeMemoryBytes: number): number {
  if (["system-node-critical"].includes(pod.spec.priorityClassName ?? "")) return -997;
  const qos = qosClassOf(pod);
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const requestOf = (c: Container) => quantityValue(c.resources?.requests?.["memory"] ?? c.resources?.limits?.["memory"]) ?? 0;
  const own = requestOf(container);
  const sidecar = pod.spec.initContainers?.some(({ name, restartPolicy }) => name === container.name && restartPolicy === "Always") ?? false;
  const request = sidecar ? Math.max(own, Math.min(...pod.spec.containers.map(requestOf))) : own;
  const score = 1000 - Math.floor((1000 * request) / nodeMemoryBytes);
  return Math.min(999, Math.max(3, score));
}
