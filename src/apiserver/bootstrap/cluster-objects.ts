import { SERVICE_NAME_LABEL } from "#api/discovery-v1/endpoint-slice.ts";
import type { BootstrapObject } from "#apiserver/bootstrap/bootstrap.ts";

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
  /** PEM of the CA of front proxies, where there is one. */
  readonly requestHeaderCa?: string | undefined;
}

export const SYSTEM_NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"];

export function clusterObjects(facts: ClusterFacts, nowMs: number): BootstrapObject[] {
  // Nothing in the cluster could reach a loopback address, and no endpoint may have one.
  const endpoints = isLoopback(facts.advertiseAddress) ? [] : [kubernetesEndpoints(facts), kubernetesSlice(facts)];
  return [kubernetesService(facts), ...endpoints, serviceCidr(facts), ...authenticationMaps(facts, nowMs)];
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

function authenticationMaps({ clientCa, requestHeaderCa }: ClusterFacts, nowMs: number): BootstrapObject[] {
  const frontProxy = {
    "requestheader-allowed-names": '["front-proxy"]',
    "requestheader-client-ca-file": requestHeaderCa,
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-username-headers": '["X-Remote-User"]',
  };
  const data = { "client-ca-file": clientCa, ...(requestHeaderCa !== undefined && frontProxy) };
  const since = new Date(nowMs).toISOString().slice(0, 10);
  return [
    object("v1", "ConfigMap", { name: "extension-apiserver-authentication", namespace: "kube-system" }, { data }),
    object("v1", "ConfigMap", { name: "kube-apiserver-legacy-service-account-token-tracking", namespace: "kube-system" }, { data: { since } }),
  ];
}

const object = (apiVersion: string, kind: string, metadata: { name: string; namespace?: string; labels?: object }, rest: object): BootstrapObject => ({
  apiVersion,
  kind,
  metadata,
  ...rest,
});
