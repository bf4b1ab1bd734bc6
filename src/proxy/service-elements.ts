import type { Service, ServicePort } from "#api/core-v1/types.ts";
import type { Endpoint, EndpointSlice } from "#api/discovery-v1/types.ts";

/** The flat maps and sets of the proxy's table. */
export type ElementMap = "cluster_ips" | "cluster_ip_slots" | "node_ports" | "node_port_slots" | "idle_ips" | "idle_ports" | "hairpins";

/** One element: `key` alone in a set, `key : value` in a map. In the two dispatch maps the value is a number of slots. */
export interface Element {
  readonly map: ElementMap;
  readonly key: string;
  readonly value: string;
}

/** What one decision may look at. */
export interface ServiceView {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  /** The node this proxy runs on: `Local` policies keep to its endpoints. */
  readonly nodeName: string;
  /** Whether an endpoint may get connections; one that has only just started may not be listening yet. */
  readonly isAccepting: (ip: string, port: number, protocol: string) => boolean;
}

/** A place where connections may be sent. */
export interface Target {
  readonly ip: string;
  readonly port: number;
  readonly isLocal: boolean;
}

/** Every element that the service needs; a service without an address (headless, ExternalName) needs none. */
export function elementsOf(view: ServiceView): Element[] {
  const { spec } = view.service;
  if (spec.type === "ExternalName" || spec.clusterIP === "None" || !spec.clusterIP) return [];
  return (spec.ports ?? []).flatMap((port) => elementsOfPort(view, port));
}

function elementsOfPort(view: ServiceView, port: ServicePort): Element[] {
  const { spec, status } = view.service;
  const targets = targetsOf(view, port);
  const local = targets.filter(({ isLocal }) => isLocal);
  const inside = spec.internalTrafficPolicy === "Local" ? local : targets;
  const outside = spec.externalTrafficPolicy === "Local" ? local : targets;
  const externalIps = [...(spec.externalIPs ?? []), ...(status.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []))];
  return [
    ...(spec.clusterIPs ?? [spec.clusterIP!]).filter(isIPv4).flatMap((ip) => addressElements(ip, port, inside)),
    ...externalIps.filter(isIPv4).flatMap((ip) => addressElements(ip, port, outside)),
    ...(port.nodePort ? nodePortElements(port.nodePort, protocolOf(port), outside) : []),
    ...targets.map(({ ip }): Element => ({ map: "hairpins", key: `${ip} . ${ip}`, value: "" })),
  ];
}

const isIPv4 = (ip: string) => !ip.includes(":");
const protocolOf = ({ protocol }: { readonly protocol?: string | undefined }) => (protocol ?? "TCP").toLowerCase();

function addressElements(ip: string, port: ServicePort, targets: readonly Target[]): Element[] {
  return dispatch(`${ip} . ${protocolOf(port)} . ${port.port}`, targets, "cluster_ips", "cluster_ip_slots", "idle_ips");
}

function nodePortElements(nodePort: number, protocol: string, targets: readonly Target[]): Element[] {
  return dispatch(`${protocol} . ${nodePort}`, targets, "node_ports", "node_port_slots", "idle_ports");
}

function dispatch(key: string, targets: readonly Target[], counts: ElementMap, slots: ElementMap, idle: ElementMap): Element[] {
  if (targets.length === 0) return [{ map: idle, key, value: "" }];
  return [
    { map: counts, key, value: String(targets.length) },
    ...targets.map(({ ip, port }, slot): Element => ({ map: slots, key: `${key} . ${slot}`, value: `${ip} . ${port}` })),
  ];
}

/**
 * Where the port's connections may go: ready endpoints, or, while there is none, those that are ending but still serve.
 * An endpoint that is not accepting yet is left out as long as another one is.
 */
function targetsOf(view: ServiceView, port: ServicePort): Target[] {
  const candidates = view.slices.flatMap((slice) => endpointsOf(slice, port).map(({ endpoint, number }) => ({ endpoint, number })));
  const ready = candidates.filter(({ endpoint }) => endpoint.conditions?.ready !== false);
  const usable = ready.length > 0 ? ready : candidates.filter(({ endpoint }) => endpoint.conditions?.serving && endpoint.conditions.terminating);
  const targets = usable.map(({ endpoint, number }) => toTarget(endpoint, number, view.nodeName));
  const accepting = targets.filter(({ ip, port: number, isLocal }) => !isLocal || view.isAccepting(ip, number, protocolOf(port)));
  return distinct(accepting.length > 0 ? accepting : targets);
}

function endpointsOf({ addressType, ports, endpoints }: EndpointSlice, port: ServicePort): { endpoint: Endpoint; number: number }[] {
  if (addressType !== "IPv4") return [];
  const matching = ports?.find((p) => (p.name ?? "") === (port.name ?? "") && protocolOf(p) === protocolOf(port));
  if (matching?.port === undefined) return [];
  return (endpoints ?? []).map((endpoint) => ({ endpoint, number: matching.port! }));
}

function toTarget({ addresses, nodeName }: Endpoint, port: number, ownNode: string): Target {
  return { ip: addresses[0]!, port, isLocal: nodeName === ownNode };
}

/** In a stable order, each once: an endpoint may stand in two slices while it moves. */
function distinct(targets: readonly Target[]): Target[] {
  const byAddress = new Map(targets.map((target) => [`${target.ip}:${target.port}`, target]));
  return [...byAddress.keys()].sort().map((key) => byAddress.get(key)!);
}
