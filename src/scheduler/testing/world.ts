import type { Node, Pod, PodSpec } from "#api/core-v1/types.ts";

/** A node with room for 4 CPUs, 8 GiB and 110 pods, unless told otherwise. */
export function node(
  name: string,
  { allocatable, labels, ...spec }: Partial<Node["spec"]> & { allocatable?: Record<string, string>; labels?: Record<string, string> } = {},
): Node {
  return {
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { "kubernetes.io/hostname": name, ...labels },
    },
    spec,
    status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110", ...allocatable } } as unknown as Node["status"],
  };
}

/** A pod of one container that asks for `requests`. */
export function pod(name: string, { requests, ...spec }: Partial<PodSpec> & { requests?: Record<string, string> } = {}): Pod {
  return {
    metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z", generation: 1 },
    spec: { containers: [{ name: "main", image: "app:1", resources: requests ? { requests } : {} }], schedulerName: "default-scheduler", ...spec } as PodSpec,
    status: { phase: "Pending" } as Pod["status"],
  };
}
