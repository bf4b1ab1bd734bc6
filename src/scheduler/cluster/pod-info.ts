import type { Container, Pod, Toleration } from "#api/core-v1/types.ts";
import { isSidecar, podRequests } from "#api/core-v1/pod/resources.ts";
import { milliValue, wholeValue } from "#apimachinery/quantity.ts";

/** What an absent request counts as when nodes are scored, so that pods without requests spread too. */
const NON_ZERO_MILLI_CPU = 100;
const NON_ZERO_MEMORY_BYTES = 200 * 1024 * 1024;

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** What the scheduler asks of a pod, computed once for each pod seen. Amounts: milli-CPUs, bytes, pieces. */
export interface PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  readonly priority: number;
  readonly requests: ReadonlyMap<string, number>;
  readonly scoredMilliCpu: number;
  readonly scoredMemoryBytes: number;
  readonly hasRequests: boolean;
  readonly hostPorts: readonly HostPort[];
  readonly tolerations: readonly Toleration[];
}

export function podInfo(pod: Pod): PodInfo {
  const requests = new Map<string, number>();
  for (const [name, quantity] of Object.entries(podRequests(pod.spec))) {
    const amount = amountOf(name, quantity);
    if (amount !== 0) requests.set(name, amount);
  }
  return {
    pod,
    uid: pod.metadata.uid,
    priority: pod.spec.priority ?? 0,
    requests,
    ...scoredRequests(pod),
    hasRequests: requests.has("cpu") || requests.has("memory"),
    hostPorts: hostPorts(pod),
    tolerations: pod.spec.tolerations ?? [],
  };
}

/** A quantity in the unit that its column counts in. */
export function amountOf(resource: string, quantity: string): number {
  return resource === "cpu" ? milliValue(quantity) : wholeValue(quantity);
}

/** The same sum as for fitting, but a container without a request counts as one that asks a little. */
function scoredRequests(pod: Pod): { scoredMilliCpu: number; scoredMemoryBytes: number } {
  const withFloor = (container: Container): Container => {
    const requests = container.resources.requests ?? {};
    const floor = { cpu: requests["cpu"] ?? `${NON_ZERO_MILLI_CPU}m`, memory: requests["memory"] ?? String(NON_ZERO_MEMORY_BYTES) };
    return { ...container, resources: { ...container.resources, requests: { ...requests, ...floor } } };
  };
  const { spec } = pod;
  const initContainers = spec.initContainers?.map(withFloor);
  const scored = podRequests({ ...spec, containers: spec.containers.map(withFloor), ...(initContainers && { initContainers }) });
  return { scoredMilliCpu: milliValue(scored["cpu"] ?? "0"), scoredMemoryBytes: wholeValue(scored["memory"] ?? "0") };
}

function hostPorts({ spec }: Pod): HostPort[] {
  const sidecars = spec.initContainers?.filter(isSidecar) ?? [];
  return [...sidecars, ...spec.containers].flatMap((container) =>
    (container.ports ?? [])
      .filter(({ hostPort }) => (hostPort ?? 0) > 0)
      .map(({ hostIP, protocol, hostPort }) => ({ ip: hostIP || "0.0.0.0", protocol: protocol || "TCP", port: hostPort! })),
  );
}
