import { isIP, isIPv6 } from "node:net";
import { isDeepStrictEqual } from "node:util";

import { ENDPOINTS } from "#api/builtin.ts";
import type { EndpointAddress, EndpointPort as SubsetPort, Endpoints, EndpointSubset, Service } from "#api/core-v1/types.ts";
import { SERVICE_NAME_LABEL } from "#api/discovery-v1/endpoint-slice.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "#api/discovery-v1/types.ts";
import { controllerReference } from "#controllers/common/owners.ts";
import { inSliceOrder } from "#controllers/common/port-order.ts";
import type { Changes } from "#controllers/common/slice-changes.ts";

export const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
export const MIRROR_NAME = "endpointslicemirroring-controller.k8s.io";
const SKIP = "endpointslice.kubernetes.io/skip-mirror";
const LEADER = "control-plane.alpha.kubernetes.io/leader";
const NOT_COPIED = new Set(["kubectl.kubernetes.io/last-applied-configuration", "endpoints.kubernetes.io/last-change-trigger-time"]);
export const MAX_PER_SUBSET = 1000;

/** Whether Endpoints that somebody else wrote are to be mirrored: those of a service without a selector. */
export function isMirrored(endpoints: Endpoints | undefined, service: Service | undefined): endpoints is Endpoints {
  if (endpoints === undefined || service === undefined || service.spec.selector !== undefined) return false;
  const { labels = {}, annotations = {} } = endpoints.metadata;
  return labels[SKIP] !== "true" && annotations[LEADER] === undefined;
}

/** The slices that mirror Endpoints, and how many of their addresses they leave out. */
export interface Mirror extends Changes {
  readonly invalid: number;
  /** Those that are too many for their subset, and the invalid ones. */
  readonly skipped: number;
}

/** Endpoints of one family and one set of ports, each once. */
interface Group {
  readonly addressType: "IPv4" | "IPv6";
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

/**
 * Decides which slices mirror `endpoints`: one for each family and set of ports.
 *
 * @see kubernetes pkg/controller/endpointslicemirroring/reconciler.go
 */
export function reconcileMirror(endpoints: Endpoints, slices: readonly EndpointSlice[]): Mirror {
  const { groups, invalid, skipped } = groupsOf(endpoints);
  const metadata = mirroredMetadata(endpoints);
  const missing: Wanted[] = [];
  const update: EndpointSlice[] = [];
  const kept = new Set<EndpointSlice>();
  for (const [key, group] of groups) {
    const wanted = { ...group, endpoints: [...group.endpoints.values()].slice(0, MAX_PER_SUBSET) };
    const [standing] = slices.filter((slice) => groupKey(slice.addressType, slice.ports ?? []) === key);
    if (standing === undefined) missing.push(wanted);
    else {
      kept.add(standing);
      if (!isMirror(standing, metadata, wanted)) update.push(rewritten(standing, metadata, wanted));
    }
  }
  const remove: EndpointSlice[] = [];
  for (const slice of slices.filter((other) => !kept.has(other))) {
    // What would be deleted becomes what would be made: one write in place of two.
    const index = missing.findIndex(({ addressType }) => addressType === slice.addressType);
    if (index < 0) remove.push(slice);
    else update.push(rewritten(slice, metadata, missing.splice(index, 1)[0]!));
  }
  const generateName = `${endpoints.metadata.name}-`;
  const create = endpoints.metadata.deletionTimestamp === undefined ? missing.map((wanted) => ({ ...wanted, metadata: { generateName, ...metadata } })) : [];
  return { create, update, remove, invalid, skipped };
}

/** What a slice is to say. */
interface Wanted {
  readonly addressType: "IPv4" | "IPv6";
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

type Mirrored = ReturnType<typeof mirroredMetadata>;

function mirroredMetadata(endpoints: Endpoints) {
  const { namespace, name, labels = {}, annotations = {} } = endpoints.metadata;
  return {
    namespace,
    labels: { ...labels, [SERVICE_NAME_LABEL]: name, [MANAGED_BY]: MIRROR_NAME },
    annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => !NOT_COPIED.has(key))),
    ownerReferences: [controllerReference(ENDPOINTS, endpoints)],
  };
}

function isMirror({ metadata, endpoints }: EndpointSlice, { labels, annotations, ownerReferences: [owner] }: Mirrored, wanted: Wanted): boolean {
  return (
    isDeepStrictEqual(metadata.labels ?? {}, labels) &&
    isDeepStrictEqual(metadata.annotations ?? {}, annotations) &&
    !metadata.ownerReferences?.some(({ kind, name, uid }) => kind === owner?.kind && name === owner.name && uid !== owner.uid) &&
    isDeepStrictEqual(byIdentity(endpoints ?? []), byIdentity(wanted.endpoints))
  );
}

const byIdentity = (endpoints: readonly Endpoint[]) => new Map(endpoints.map((endpoint) => [identity(endpoint), endpoint]));
const identity = ({ addresses, hostname, targetRef }: Endpoint) => JSON.stringify([addresses, hostname, targetRef?.namespace, targetRef?.name]);

function rewritten(slice: EndpointSlice, metadata: Mirrored, { endpoints, ports }: Wanted): EndpointSlice {
  return { ...slice, metadata: { ...slice.metadata, ...metadata }, endpoints, ports };
}

function groupsOf({ subsets = [] }: Endpoints): { readonly groups: Map<string, Group>; readonly invalid: number; readonly skipped: number } {
  const groups = new Map<string, Group>();
  let invalid = 0;
  let skipped = 0;
  for (const { addresses = [], notReadyAddresses = [], ports: subsetPorts = [] } of repack(subsets)) {
    const ports = inSliceOrder(
      subsetPorts.map(({ name = "", protocol = "TCP", port, appProtocol }) => ({ name, protocol, port, ...(appProtocol && { appProtocol }) })),
    );
    const all = [...addresses.map((address) => endpointOf(address, true)), ...notReadyAddresses.map((address) => endpointOf(address, false))];
    const valid = all.filter(({ addresses: [ip = ""] }) => isIP(ip) > 0);
    invalid += all.length - valid.length;
    skipped += all.length - Math.min(valid.length, MAX_PER_SUBSET);
    for (const endpoint of valid.slice(0, MAX_PER_SUBSET)) {
      const addressType = isIPv6(endpoint.addresses[0] ?? "") ? "IPv6" : "IPv4";
      const key = groupKey(addressType, ports);
      const group = groups.get(key) ?? { addressType, ports, endpoints: new Map() };
      group.endpoints.set(identity(endpoint), endpoint);
      groups.set(key, group);
    }
  }
  return { groups, invalid, skipped };
}

/** The same said in one way: ports that the same addresses serve together, each address once, unready where any subset says so. */
function repack(subsets: readonly EndpointSubset[]): readonly EndpointSubset[] {
  const byPort = new Map<string, { readonly port: SubsetPort | undefined; readonly addresses: Map<string, { address: EndpointAddress; ready: boolean }> }>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    for (const port of ports.length > 0 ? ports : [undefined]) {
      const key = JSON.stringify([port?.name, port?.protocol, port?.port, port?.appProtocol]);
      const entry = byPort.get(key) ?? { port, addresses: new Map() };
      byPort.set(key, entry);
      const put = (address: EndpointAddress, ready: boolean) => {
        const id = JSON.stringify([address.ip, address.targetRef?.uid]);
        const before = entry.addresses.get(id);
        entry.addresses.set(id, { address: before?.address ?? address, ready: ready && (before?.ready ?? true) });
      };
      for (const address of addresses) put(address, true);
      for (const address of notReadyAddresses) put(address, false);
    }
  }
  const byAddresses = Map.groupBy(byPort.values(), ({ addresses }) => JSON.stringify([...addresses].map(([id, { ready }]) => [id, ready]).sort()));
  return [...byAddresses.values()].map((entries) => {
    const all = [...(entries[0]?.addresses.values() ?? [])];
    return {
      addresses: all.filter(({ ready }) => ready).map(({ address }) => address),
      notReadyAddresses: all.filter(({ ready }) => !ready).map(({ address }) => address),
      ports: entries.flatMap(({ port }) => port ?? []),
    };
  });
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
