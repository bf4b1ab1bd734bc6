import { isDeepStrictEqual } from "node:util";

import { SERVICES } from "#api/builtin.ts";
import { isPodReady } from "#api/core-v1/pod/status.ts";
import type { Pod, Service } from "#api/core-v1/types.ts";
import { SERVICE_NAME_LABEL } from "#api/discovery-v1/endpoint-slice.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "#api/discovery-v1/types.ts";
import type { Draft } from "#apimachinery/object.ts";
import { controllerReference } from "#controllers/common/owners.ts";
import { packEndpoints } from "#controllers/common/packing.ts";
import { inSliceOrder } from "#controllers/common/port-order.ts";
import { endpointHostname, familiesOf, ipsOfFamily, isHeadless, targetPortOf, type IpFamily } from "#controllers/common/service-pods.ts";
import type { Changes } from "#controllers/common/slice-changes.ts";

export const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
export const CONTROLLER_NAME = "endpointslice-controller.k8s.io";
const HEADLESS = "service.kubernetes.io/headless";
const RESERVED = new Set([MANAGED_BY, SERVICE_NAME_LABEL, HEADLESS]);

/** All that one decision may look at. Read-only: objects come from a shared cache. */
export interface Observed {
  readonly service: Service;
  /** Those the service selects that can be endpoints, terminating ones included. */
  readonly pods: readonly Pod[];
  /** The service's slices that this controller manages. */
  readonly slices: readonly EndpointSlice[];
  /** A node's zone ("" when it has none); `undefined` for a node that does not exist. */
  zoneOf(nodeName: string): string | undefined;
}

/** Decides which slices a service is to have; as few as can be are changed. */
export function reconcileSlices(observed: Observed): Changes {
  const { service, slices } = observed;
  const families = familiesOf(service);
  const foreign = slices.filter(({ addressType }) => !families.includes(addressType as IpFamily));
  const changes = families.map((family) => reconcileFamily(observed, family));
  return {
    create: service.metadata.deletionTimestamp === undefined ? changes.flatMap(({ create }) => create) : [],
    update: changes.flatMap(({ update }) => update),
    remove: [...foreign, ...changes.flatMap(({ remove }) => remove)],
  };
}

interface Group {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Endpoint[];
}

function reconcileFamily(observed: Observed, family: IpFamily): Changes {
  const { service } = observed;
  const labels = labelsFor(service);
  const slices = observed.slices.filter(({ addressType }) => addressType === family);
  const owned = slices.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === service.metadata.uid));
  const groups = groupByPorts(observed, family);
  const portsKey = (slice: EndpointSlice) => JSON.stringify(inSliceOrder(slice.ports ?? []).map(comparablePort));
  const template = (ports: readonly EndpointPort[]) => newSlice(service, family, labels, ports);
  const create: Draft<EndpointSlice>[] = [];
  const update: EndpointSlice[] = [];
  const remove = slices.filter((slice) => !owned.includes(slice) || !groups.has(portsKey(slice)));
  for (const [key, { ports, endpoints }] of groups) {
    const packed = packEndpoints(
      owned.filter((slice) => portsKey(slice) === key),
      endpoints,
      labels,
    );
    update.push(...packed.update);
    remove.push(...packed.remove);
    create.push(...packed.rest.map((batch) => ({ ...template(ports), endpoints: batch })));
  }
  if (slices.length === remove.length && create.length === 0) {
    const [only] = remove;
    // A service without endpoints keeps one empty slice.
    if (remove.length === 1 && isPlaceholder(only!, labels)) return { create, update, remove: [] };
    create.push({ ...template([]), ...NOTHING });
  }
  return reuse({ create, update, remove }, service);
}

/** Upstream's empty lists come out as null: a slice without endpoints looks the same to its readers. */
const NOTHING = { endpoints: null, ports: null } as unknown as Pick<EndpointSlice, "endpoints" | "ports">;

/** What would be deleted becomes what would be made: one write in place of two. */
function reuse({ create, update, remove }: Changes, service: Service): Changes {
  const makes = [...create];
  const rewritten: EndpointSlice[] = [];
  const left = remove.filter((slice) => {
    const isOwned = slice.metadata.ownerReferences?.some(({ uid }) => uid === service.metadata.uid);
    const draft = isOwned ? makes.pop() : undefined;
    if (draft === undefined) return true;
    const { labels, ownerReferences } = draft.metadata;
    rewritten.push({ ...slice, ...draft, metadata: { ...slice.metadata, labels, ownerReferences } } as EndpointSlice);
    return false;
  });
  return { create: makes, update: [...update, ...rewritten], remove: left };
}

function groupByPorts({ service, pods, zoneOf }: Observed, family: IpFamily): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    const ports = inSliceOrder(portsFor(service, pod));
    const key = JSON.stringify(ports.map(comparablePort));
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    const zone = zoneOf(pod.spec.nodeName ?? "");
    // A pod on a node that is gone is about to go itself, and serves nobody.
    if (zone === undefined && !service.spec.publishNotReadyAddresses) continue;
    const addresses = ipsOfFamily(pod, family);
    if (addresses.length > 0) group.endpoints.push(endpointFor(service, pod, addresses, zone));
  }
  return groups;
}

const comparablePort = ({ name = "", protocol, port, appProtocol }: EndpointPort) => [name, protocol, port, appProtocol];

function portsFor({ spec }: Service, pod: Pod): readonly EndpointPort[] {
  return (spec.ports ?? []).flatMap((servicePort): EndpointPort[] => {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    return [{ name, protocol, port, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

function endpointFor(service: Service, pod: Pod, addresses: readonly string[], zone: string | undefined): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { namespace, name, uid } = pod.metadata;
  const { nodeName } = pod.spec;
  const hostname = endpointHostname(pod, service);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname !== undefined && { hostname }),
    targetRef: { kind: "Pod", namespace, name, uid },
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
    ...hintsFor(service, ready, nodeName, zone),
  };
}

/** With a traffic distribution, each endpoint is for its own zone, or for its own node. */
function hintsFor({ spec }: Service, ready: boolean, nodeName: string | undefined, zone: string | undefined): Pick<Endpoint, "hints"> {
  const { trafficDistribution } = spec;
  if (!ready || trafficDistribution === undefined) return {};
  const forZones = zone ? { forZones: [{ name: zone }] } : {};
  if (trafficDistribution === "PreferSameNode" && nodeName) return { hints: { ...forZones, forNodes: [{ name: nodeName }] } };
  const isZonal = trafficDistribution === "PreferClose" || trafficDistribution === "PreferSameZone";
  return isZonal && zone ? { hints: forZones } : {};
}

function labelsFor(service: Service): Readonly<Record<string, string>> {
  const own = Object.entries(service.metadata.labels ?? {}).filter(([key]) => !RESERVED.has(key));
  return {
    ...Object.fromEntries(own),
    ...(isHeadless(service) && { [HEADLESS]: "" }),
    [SERVICE_NAME_LABEL]: service.metadata.name,
    [MANAGED_BY]: CONTROLLER_NAME,
  };
}

function newSlice(service: Service, addressType: IpFamily, labels: Readonly<Record<string, string>>, ports: readonly EndpointPort[]): Draft<EndpointSlice> {
  const { namespace, name } = service.metadata;
  const metadata = { generateName: `${name}-`, namespace, labels, ownerReferences: [controllerReference(SERVICES, service)] };
  return { metadata, addressType, endpoints: [], ports };
}

function isPlaceholder({ metadata, endpoints, ports }: EndpointSlice, labels: Readonly<Record<string, string>>): boolean {
  return (endpoints?.length ?? 0) === 0 && (ports?.length ?? 0) === 0 && isDeepStrictEqual(metadata.labels ?? {}, labels);
}
