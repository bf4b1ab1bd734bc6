import { isIPv6 } from "node:net";

import { ENDPOINTS } from "#api/builtin.ts";
import type { EndpointAddress, Endpoints, Service } from "#api/core-v1/types.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "#api/discovery-v1/types.ts";
import { controllerReference } from "#controllers/common/owners.ts";
import { packEndpoints } from "#controllers/common/packing.ts";
import { inSliceOrder } from "#controllers/common/port-order.ts";
import type { Changes } from "#controllers/common/slice-changes.ts";

export const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
export const SERVICE_NAME = "kubernetes.io/service-name";
export const MIRROR_NAME = "endpointslicemirroring-controller.k8s.io";
const SKIP = "endpointslice.kubernetes.io/skip-mirror";
const LEADER = "control-plane.alpha.kubernetes.io/leader";
const NOT_COPIED = new Set(["kubectl.kubernetes.io/last-applied-configuration", "endpoints.kubernetes.io/last-change-trigger-time"]);
const MAX_PER_SUBSET = 1000;

/** Whether Endpoints that somebody else wrote are to be mirrored: those of a service without a selector. */
export function isMirrored(endpoints: Endpoints | undefined, service: Service | undefined): endpoints is Endpoints {
  if (endpoints === undefined || service === undefined || service.spec.selector !== undefined) return false;
  const { labels = {}, annotations = {} } = endpoints.metadata;
  return labels[SKIP] !== "true" && annotations[LEADER] === undefined;
}

interface Group {
  readonly addressType: "IPv4" | "IPv6";
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Endpoint[];
}

/** Decides which slices mirror `endpoints`. */
export function reconcileMirror(endpoints: Endpoints, slices: readonly EndpointSlice[]): Changes {
  const { namespace, name } = endpoints.metadata;
  const labels = { ...endpoints.metadata.labels, [SERVICE_NAME]: name, [MANAGED_BY]: MIRROR_NAME };
  const copied = Object.entries(endpoints.metadata.annotations ?? {}).filter(([key]) => !NOT_COPIED.has(key));
  const annotations = copied.length > 0 ? { annotations: Object.fromEntries(copied) } : {};
  const groups = groupsOf(endpoints);
  const keyOfSlice = ({ addressType, ports = [] }: EndpointSlice) => groupKey(addressType, ports);
  const packed = [...groups].map(([key, group]) => ({
    group,
    ...packEndpoints(
      slices.filter((slice) => keyOfSlice(slice) === key),
      group.endpoints,
      labels,
    ),
  }));
  const metadata = { generateName: `${name}-`, namespace, labels, ...annotations, ownerReferences: [controllerReference(ENDPOINTS, endpoints)] };
  return {
    create: packed.flatMap(({ group, rest }) => rest.map((batch) => ({ metadata, addressType: group.addressType, endpoints: batch, ports: group.ports }))),
    update: packed.flatMap(({ update }) => update),
    remove: [...slices.filter((slice) => !groups.has(keyOfSlice(slice))), ...packed.flatMap(({ remove }) => remove)],
  };
}

function groupsOf({ subsets = [] }: Endpoints): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const { addresses = [], notReadyAddresses = [], ports: subsetPorts = [] } of subsets) {
    const ports = inSliceOrder(
      subsetPorts.map(({ name = "", protocol = "TCP", port, appProtocol }) => ({ name, protocol, port, ...(appProtocol && { appProtocol }) })),
    );
    const all = [...addresses.map((address) => endpointOf(address, true)), ...notReadyAddresses.map((address) => endpointOf(address, false))];
    for (const endpoint of all.slice(0, MAX_PER_SUBSET)) {
      const addressType = isIPv6(endpoint.addresses[0] ?? "") ? "IPv6" : "IPv4";
      const key = groupKey(addressType, ports);
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      group.endpoints.push(endpoint);
      groups.set(key, group);
    }
  }
  return groups;
}

const groupKey = (addressType: string, ports: readonly EndpointPort[]) =>
  JSON.stringify([addressType, ports.map(({ name = "", protocol, port, appProtocol }) => [name, protocol, port, appProtocol])]);

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(targetRef !== undefined && { targetRef }),
    ...(nodeName && { nodeName }),
  };
}
