import type { Endpoints, Service } from "#api/core-v1/types.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import type { Ingress, IngressClass, IPAddress, NetworkPolicy, ServiceCIDR } from "#api/networking-v1/types.ts";
import { ageOf, firstFew, NONE, labelMap, printer, selectorOrNone, UNSET, type Printers } from "#apiserver/tables/cells.ts";

const SHOWN = 3;

export const networkPrinters: Printers = {
  "/Service": printer<Service>((service, now) => [
    service.metadata.name,
    service.spec?.type ?? "",
    service.spec?.clusterIPs?.[0] ?? NONE,
    externalIp(service),
    servicePorts(service),
    ageOf(service, now),
    labelMap(service.spec?.selector),
  ]),
  "/Endpoints": printer<Endpoints>((endpoints, now) => [endpoints.metadata.name, endpointsText(endpoints), ageOf(endpoints, now)]),
  "discovery.k8s.io/EndpointSlice": printer<EndpointSlice>((slice, now) => [
    slice.metadata.name,
    slice.addressType,
    firstFew(
      (slice.ports ?? []).map(({ port, name }) => (port !== undefined ? `${port}` : name || "*")),
      SHOWN,
    ) || UNSET,
    firstFew(
      (slice.endpoints ?? []).flatMap(({ addresses }) => addresses ?? []),
      SHOWN,
    ) || UNSET,
    ageOf(slice, now),
  ]),
  "networking.k8s.io/Ingress": printer<Ingress>((ingress, now) => [
    ingress.metadata.name,
    ingress.spec?.ingressClassName ?? NONE,
    ingressHosts(ingress),
    balancerAddresses(ingress.status?.loadBalancer?.ingress ?? []).join(","),
    ingress.spec?.tls?.length ? "80, 443" : "80",
    ageOf(ingress, now),
  ]),
  "networking.k8s.io/IngressClass": printer<IngressClass>(({ metadata, spec }, now) => {
    const parameters = spec?.parameters;
    const kind = parameters?.apiGroup ? `${parameters.kind}.${parameters.apiGroup}` : parameters?.kind;
    return [metadata.name, spec?.controller ?? "", parameters === undefined ? NONE : `${kind}/${parameters.name}`, ageOf({ metadata }, now)];
  }),
  "networking.k8s.io/NetworkPolicy": printer<NetworkPolicy>((policy, now) => [
    policy.metadata.name,
    selectorOrNone(policy.spec?.podSelector),
    ageOf(policy, now),
  ]),
  "networking.k8s.io/ServiceCIDR": printer<ServiceCIDR>((cidr, now) => [cidr.metadata.name, (cidr.spec?.cidrs ?? []).join(","), ageOf(cidr, now)]),
  // One cell more than there are columns, as upstream has it.
  "networking.k8s.io/IPAddress": printer<IPAddress>((address, now) => {
    const parent = address.spec?.parentRef;
    const resource = (parent?.group ? `${parent.resource}.${parent.group}` : (parent?.resource ?? "")).toLowerCase();
    const text = parent === undefined ? NONE : [resource, ...(parent.namespace ? [parent.namespace] : []), parent.name].join("/");
    return [address.metadata.name, text, ageOf(address, now)];
  }),
};

function externalIp({ spec, status }: Service): string {
  const external = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case "ClusterIP":
    case "NodePort":
      return external.join(",") || NONE;
    case "LoadBalancer":
      return [...balancerAddresses(status?.loadBalancer?.ingress ?? []), ...external].join(",") || "<pending>";
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return "<unknown>";
  }
}

function balancerAddresses(ingress: readonly { readonly ip?: string | undefined; readonly hostname?: string | undefined }[]): string[] {
  return [...new Set(ingress.map(({ ip, hostname }) => ip || hostname || "").filter((address) => address !== ""))].sort();
}

function servicePorts({ spec }: Service): string {
  const ports = (spec?.ports ?? []).map(({ port, nodePort, protocol }) => (nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`));
  return ports.join(",") || NONE;
}

function endpointsText({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return NONE;
  const each = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`))),
  );
  return firstFew(each, SHOWN);
}

function ingressHosts({ spec }: Ingress): string {
  const rules = spec?.rules ?? [];
  const hosts: string[] = [];
  for (const { host } of rules) {
    if (hosts.length === SHOWN) return `${hosts.join(",")} + ${rules.length - SHOWN} more...`;
    if (host) hosts.push(host);
  }
  return hosts.length === 0 ? "*" : hosts.join(",");
}
