import type { Service, ServiceSpec } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { isExternallyAccessible } from "./service-type.ts";

const AFFINITY_SECONDS = 10_800;

/** @see kubernetes pkg/apis/core/v1/defaults.go SetDefaults_Service */
export function applyServiceDefaults({ spec, status }: Mutable<Service>): void {
  if (!spec) return;
  applyAffinityDefaults(spec);
  spec.type ||= "ClusterIP";
  for (const port of spec.ports ?? []) {
    port.protocol ||= "TCP";
    port.targetPort ||= port.port;
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= "Cluster";
  if (["NodePort", "LoadBalancer", "ClusterIP"].includes(spec.type)) spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type !== "LoadBalancer") return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= "VIP";
}

function applyAffinityDefaults(spec: Mutable<ServiceSpec>): void {
  spec.sessionAffinity ||= "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === "ClientIP" && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: AFFINITY_SECONDS } };
  }
}
