import type { Service, ServiceSpec } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { sameJson } from "#lib/same-json.ts";

import { isExternallyAccessible, needsHealthCheck } from "./service-type.ts";

type Spec = ServiceSpec | Mutable<ServiceSpec>;

const needsClusterIP = ({ type }: Spec) => type !== "ExternalName";
const needsNodePorts = ({ type }: Spec) => type === "NodePort" || type === "LoadBalancer";
const isBalancer = ({ type }: Spec) => type === "LoadBalancer";

/**
 * Who changes a service's type need not take away what the old type had: fields that the new one does not know go, unless
 * the client changed them too, which validation is to tell.
 *
 * @see kubernetes pkg/registry/core/service/strategy.go dropTypeDependentFields
 */
export function dropTypeDependentFields({ spec, status }: Mutable<Service>, { spec: old }: Service): void {
  const leaves = (needs: (spec: Spec) => boolean) => needs(old) && !needs(spec);
  if (leaves(needsClusterIP)) dropAddresses(spec, old);
  if (leaves(needsNodePorts) && addsNoNodePorts(spec, old)) for (const port of spec.ports ?? []) delete port.nodePort;
  if (leaves(needsHealthCheck) && spec.healthCheckNodePort === old.healthCheckNodePort) delete spec.healthCheckNodePort;
  if (leaves(isBalancer)) {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts;
    if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (leaves(isExternallyAccessible) && spec.externalTrafficPolicy === old.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  if (!isBalancer(spec) && status) status.loadBalancer = {};
}

function dropAddresses(spec: Mutable<ServiceSpec>, old: ServiceSpec): void {
  if (spec.clusterIP === old.clusterIP && sameJson(spec.clusterIPs, old.clusterIPs)) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  }
  if (sameJson(spec.ipFamilies, old.ipFamilies)) delete spec.ipFamilies;
  if (spec.ipFamilyPolicy === old.ipFamilyPolicy) delete spec.ipFamilyPolicy;
}

function addsNoNodePorts({ ports = [] }: Mutable<ServiceSpec>, old: ServiceSpec): boolean {
  const before = new Set((old.ports ?? []).map(({ nodePort }) => nodePort));
  return ports.every(({ nodePort }) => !nodePort || before.has(nodePort));
}
