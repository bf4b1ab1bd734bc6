import { isDeepStrictEqual } from "node:util";

import { isPodReady } from "#api/core-v1/pod/status.ts";
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from "#api/core-v1/types.ts";
import { inSubsetOrder } from "#controllers/common/port-order.ts";
import { endpointHostname, familiesOf, ipsOfFamily, isHeadless, targetPortOf } from "#controllers/common/service-pods.ts";

const MAX_ADDRESSES = 1000;
const MANAGED_BY = "endpoints.kubernetes.io/managed-by";
const HEADLESS = "service.kubernetes.io/headless";
const OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity";

/**
 * The Endpoints object that a service ought to have; the current one itself when it is as it should be.
 *
 * @param pods those the service selects that can be endpoints
 */
export function desiredEndpoints(service: Service, pods: readonly Pod[], current: Endpoints | undefined): Endpoints {
  const all = packSubsets(service, pods);
  const subsets = truncate(all);
  const { namespace, name, labels: serviceLabels } = service.metadata;
  const labels = { ...serviceLabels, [MANAGED_BY]: "endpoint-controller", ...(isHeadless(service) && { [HEADLESS]: "" }) };
  const { [OVER_CAPACITY]: _told, ...kept } = current?.metadata.annotations ?? {};
  const annotations = subsets === all ? kept : { ...kept, [OVER_CAPACITY]: "truncated" };
  const isRight =
    current !== undefined &&
    isDeepStrictEqual(current.subsets ?? [], subsets) &&
    isDeepStrictEqual(current.metadata.labels ?? {}, labels) &&
    isDeepStrictEqual(current.metadata.annotations ?? {}, annotations);
  if (isRight) return current;
  const metadata = { ...(current?.metadata ?? { namespace, name }), labels, ...(Object.keys(annotations).length > 0 && { annotations }) };
  const { subsets: _before, ...rest } = current ?? {};
  return { ...rest, metadata, ...(subsets.length > 0 && { subsets }) } as Endpoints;
}

interface Candidate {
  readonly address: EndpointAddress;
  readonly isReady: boolean;
}

/** Ports that the same addresses serve share a subset. */
function packSubsets(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const byPort = new Map<string, { readonly port: EndpointPort | undefined; readonly candidates: Candidate[] }>();
  for (const pod of pods) {
    const candidate = candidateFor(service, pod);
    if (candidate === undefined) continue;
    for (const port of portsFor(service, pod)) {
      const key = JSON.stringify(port ?? null);
      const entry = byPort.get(key) ?? { port, candidates: [] };
      entry.candidates.push(candidate);
      byPort.set(key, entry);
    }
  }
  const byAddresses = new Map<string, { readonly ports: EndpointPort[]; readonly candidates: readonly Candidate[] }>();
  for (const { port, candidates } of byPort.values()) {
    const key = JSON.stringify(candidates.map(({ address, isReady: ready }) => [address.ip, address.targetRef?.uid, ready]));
    const entry = byAddresses.get(key) ?? { ports: [], candidates };
    if (port !== undefined) entry.ports.push(port);
    byAddresses.set(key, entry);
  }
  return [...byAddresses.values()].map(({ ports, candidates }) => subsetOf(inSubsetOrder(ports), candidates));
}

function subsetOf(ports: readonly EndpointPort[], candidates: readonly Candidate[]): EndpointSubset {
  const ready = candidates.filter((candidate) => candidate.isReady).map(({ address }) => address);
  const notReady = candidates.filter((candidate) => !candidate.isReady).map(({ address }) => address);
  return { ...(ready.length > 0 && { addresses: ready }), ...(notReady.length > 0 && { notReadyAddresses: notReady }), ...(ports.length > 0 && { ports }) };
}

function candidateFor(service: Service, pod: Pod): Candidate | undefined {
  const [ip] = ipsOfFamily(pod, familiesOf(service)[0] ?? "IPv4");
  if (ip === undefined) return undefined;
  const { namespace, name, uid } = pod.metadata;
  const hostname = endpointHostname(pod, service);
  const address = {
    ip,
    ...(hostname !== undefined && { hostname }),
    ...(pod.spec.nodeName && { nodeName: pod.spec.nodeName }),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
  return { address, isReady: service.spec.publishNotReadyAddresses === true || isPodReady(pod) };
}

/** A headless service may be without ports: its one entry has none. */
function portsFor(service: Service, pod: Pod): readonly (EndpointPort | undefined)[] {
  const { ports = [] } = service.spec;
  if (ports.length === 0) return isHeadless(service) ? [undefined] : [];
  return ports.flatMap((servicePort): EndpointPort[] => {
    const port = targetPortOf(pod, servicePort);
    if (port === undefined) return [];
    const { name, protocol = "TCP", appProtocol } = servicePort;
    return [{ ...(name && { name }), port, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

/** Ready addresses before the others, each subset its share; the same array when all fit. */
function truncate(subsets: readonly EndpointSubset[]): readonly EndpointSubset[] {
  const count = (key: "addresses" | "notReadyAddresses") => subsets.reduce((total, subset) => total + (subset[key]?.length ?? 0), 0);
  const [ready, notReady] = [count("addresses"), count("notReadyAddresses")];
  if (ready + notReady <= MAX_ADDRESSES) return subsets;
  const cut = ready > MAX_ADDRESSES ? "addresses" : "notReadyAddresses";
  const room = cut === "addresses" ? MAX_ADDRESSES : MAX_ADDRESSES - ready;
  const total = cut === "addresses" ? ready : notReady;
  let left = room;
  return subsets.map(({ notReadyAddresses, ...subset }) => {
    const list = (cut === "addresses" ? subset.addresses : notReadyAddresses) ?? [];
    const kept = list.slice(0, Math.min(left, Math.ceil((list.length / total) * room)));
    left -= kept.length;
    return { ...subset, ...(kept.length > 0 && { [cut]: kept }) };
  });
}
