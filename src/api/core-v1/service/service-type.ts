import type { ServiceSpec } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

type Spec = ServiceSpec | Mutable<ServiceSpec>;

/** Whether traffic from outside the cluster comes in by node ports, load balancers or external addresses. */
export function isExternallyAccessible({ type, externalIPs = [] }: Spec): boolean {
  return type === "LoadBalancer" || type === "NodePort" || (type === "ClusterIP" && externalIPs.length > 0);
}

/** Whether load balancers ask each node if it has endpoints. */
export function needsHealthCheck({ type, externalTrafficPolicy }: Spec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

/** Without an address of its own; its name stands for the addresses of its endpoints. */
export function isHeadless({ clusterIPs = [] }: Spec): boolean {
  return clusterIPs.length === 1 && clusterIPs[0] === "None";
}
