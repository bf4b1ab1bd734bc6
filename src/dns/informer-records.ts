import { ENDPOINT_SLICES, NAMESPACES, SERVICES } from "#api/builtin.ts";
import type { Service } from "#api/core-v1/types.ts";
import { endpointAddressesOf, SERVICE_NAME_LABEL, serviceKeysOf } from "#api/discovery-v1/endpoint-slice.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import type { InformerFactory } from "#client/informer.ts";

import type { ClusterRecords } from "./cluster-zone.ts";

/** The zone's records straight from shared informers; answers are always as new as the last watch event. */
export function informerRecords(informers: InformerFactory): ClusterRecords {
  const services = informers.informer(SERVICES, { clusterIp: clusterIps });
  const slices = informers.informer(ENDPOINT_SLICES, { service: serviceKeysOf, address: endpointAddressesOf });
  const namespaces = informers.informer(NAMESPACES);
  let isComplete = false;
  void Promise.all([services.synced, slices.synced, namespaces.synced]).then(() => (isComplete = true));
  return {
    isComplete: () => isComplete,
    service: (namespace, name) => services.get(`${namespace}/${name}`),
    slices: (namespace, name) => slices.byIndex("service", `${namespace}/${name}`),
    hasNamespace: (name) => namespaces.get(name) !== undefined,
    serviceByIp: (ip) => services.byIndex("clusterIp", ip)[0],
    endpointByIp: (ip) => headlessEndpoint(ip, slices.byIndex("address", ip), (key) => services.get(key)),
  };
}

const clusterIps = ({ spec }: Service) => (spec.clusterIPs ?? []).filter((ip) => ip !== "None");

/** Only endpoints of headless services have names of their own. */
function headlessEndpoint(ip: string, slices: readonly EndpointSlice[], service: (key: string) => Service | undefined) {
  for (const slice of slices) {
    const namespace = slice.metadata.namespace!;
    const serviceName = slice.metadata.labels?.[SERVICE_NAME_LABEL];
    if (serviceName === undefined || service(`${namespace}/${serviceName}`)?.spec.clusterIP !== "None") continue;
    const endpoint = slice.endpoints?.find(({ addresses }) => addresses.includes(ip));
    if (endpoint !== undefined) return { namespace, serviceName, hostname: endpoint.hostname ?? ip.replaceAll(".", "-") };
  }
  return undefined;
}
