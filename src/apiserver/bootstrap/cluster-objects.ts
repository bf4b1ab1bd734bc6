import { SERVICE_NAME_LABEL } from "#api/discovery-v1/endpoint-slice.ts";
import { MANAGED, ON_START } from "#apiserver/aggregation/auto-registration.ts";
import type { RequestHeaderConfig } from "#apiserver/authn/request-headers.ts";
import type { BootstrapObject } from "#apiserver/bootstrap/bootstrap.ts";
import { groupPriority } from "#apiserver/discovery/priorities.ts";

/** What differs from cluster to cluster. */
export interface ClusterFacts {
  /** Where other machines and pods reach the API server. */
  readonly advertiseAddress: string;
  readonly securePort: number;
  readonly serviceCidr: string;
  /** The first address of the service range: the `kubernetes` service's. */
  readonly kubernetesServiceIp: string;
  /** PEM of the CA that signs client certificates. */
  readonly clientCa: string;
  /** Who front proxies are, where there are any. */
  readonly requestHeader?: RequestHeaderConfig | undefined;
  /** All that the server has of its own, besides custom resources. */
  readonly versions: readonly { readonly group: string; readonly version: string }[];
}

export const SYSTEM_NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

export function clusterObjects(facts: ClusterFacts, nowMs: number): BootstrapObject[] {
  // Nothing in the cluster could reach a loopback address, and no endpoint may have one.
  const endpoints = isLoopback(facts.advertiseAddress) ? [] : [kubernetesEndpoints(facts), kubernetesSlice(facts)];
  return [kubernetesService(facts), ...endpoints, serviceCidr(facts), ...authenticationMaps(facts, nowMs)];
}

/** As upstream orders the versions of most groups. */
const BETA_PRIORITY = 12;
const ALPHA_PRIORITY = 9;

/** API services of versions that only some servers have; those that all have are among the fixed objects. */
export function furtherServices(versions: ClusterFacts["versions"], known: ReadonlySet<string>): BootstrapObject[] {
  const further = new Map(versions.map(({ group, version }) => [`${version}.${group}`, { group, version }]));
  return [...further].flatMap(([name, { group, version }]) => {
    if (known.has(name) || group === "apiregistration.k8s.io") return [];
    const versionPriority = version.includes("alpha") ? ALPHA_PRIORITY : BETA_PRIORITY;
    const spec = { group, version, groupPriorityMinimum: groupPriority(group), versionPriority };
    return [object("apiregistration.k8s.io/v1", "APIService", { name, labels: { [MANAGED]: ON_START } }, { spec })];
  });
}

const isLoopback = (address: string) => address.startsWith("127.") || address === "::1";

const IN_DEFAULT = { name: "kubernetes", namespace: "default" };
const portOf = ({ securePort }: ClusterFacts) => ({ name: "https", port: securePort, protocol: "TCP" });

function kubernetesService(facts: ClusterFacts): BootstrapObject {
  const ports = [{ name: "https", protocol: "TCP", port: 443, targetPort: facts.securePort }];
  const ip = facts.kubernetesServiceIp;
  const spec = { type: "ClusterIP", clusterIP: ip, clusterIPs: [ip], ports, sessionAffinity: "None", ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" };
  return object("v1", "Service", { ...IN_DEFAULT, labels: { component: "apiserver", provider: "kubernetes" } }, { spec });
}

function kubernetesEndpoints(facts: ClusterFacts): BootstrapObject {
  const subsets = [{ addresses: [{ ip: facts.advertiseAddress }], ports: [portOf(facts)] }];
  return object("v1", "Endpoints", { ...IN_DEFAULT, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }, { subsets });
}

function kubernetesSlice(facts: ClusterFacts): BootstrapObject {
  const endpoints = [{ addresses: [facts.advertiseAddress], conditions: { ready: true } }];
  const labels = { [SERVICE_NAME_LABEL]: "kubernetes" };
  const addressType = facts.advertiseAddress.includes(":") ? "IPv6" : "IPv4";
  return object("discovery.k8s.io/v1", "EndpointSlice", { ...IN_DEFAULT, labels }, { addressType, endpoints, ports: [portOf(facts)] });
}

function serviceCidr(facts: ClusterFacts): BootstrapObject {
  const ready = { type: "Ready", status: "True", reason: "", message: "Kubernetes default Service CIDR is ready" };
  return object("networking.k8s.io/v1", "ServiceCIDR", { name: "kubernetes" }, { spec: { cidrs: [facts.serviceCidr] }, status: { conditions: [ready] } });
}

function authenticationMaps({ clientCa, requestHeader }: ClusterFacts, nowMs: number): BootstrapObject[] {
  const data = { "client-ca-file": clientCa, ...(requestHeader !== undefined && frontProxyData(requestHeader)) };
  const since = new Date(nowMs).toISOString().slice(0, 10);
  return [
    object("v1", "ConfigMap", { name: "extension-apiserver-authentication", namespace: "kube-system" }, { data }),
    object("v1", "ConfigMap", { name: "kube-apiserver-legacy-service-account-token-tracking", namespace: "kube-system" }, { data: { since } }),
  ];
}

/** All that an extension API server has to know to believe whom we name. */
function frontProxyData({ ca, allowedNames }: RequestHeaderConfig): Readonly<Record<string, string>> {
  return {
    "requestheader-allowed-names": JSON.stringify(allowedNames),
    "requestheader-client-ca-file": ca,
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-username-headers": '["X-Remote-User"]',
  };
}

const object = (apiVersion: string, kind: string, metadata: { name: string; namespace?: string; labels?: object }, rest: object): BootstrapObject => ({
  apiVersion,
  kind,
  metadata,
  ...rest,
});
