import type { Pod } from "#api/core-v1/types.ts";

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface ClusterDns {
  readonly server: string;
  readonly domain: string;
  /** What the host's resolv.conf says. */
  readonly host: DnsConfig;
}

const MAX_SERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_CHARS = 2048;

/** The resolver configuration of a pod's containers. @see pkg/kubelet/network/dns/dns.go */
export function podDns({ metadata, spec }: Pod, cluster: ClusterDns): DnsConfig {
  const base = byPolicy(spec.dnsPolicy ?? "ClusterFirst", spec.hostNetwork === true, metadata.namespace ?? "default", cluster);
  const extra = spec.dnsConfig ?? {};
  const options = new Map(base.options.map((text) => [text.split(":")[0] as string, text]));
  for (const { name = "", value } of extra.options ?? []) options.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: [...new Set([...base.servers, ...(extra.nameservers ?? [])])].slice(0, MAX_SERVERS),
    searches: withinLimits([...new Set([...base.searches, ...(extra.searches ?? [])])]),
    options: [...options.values()],
  };
}

function byPolicy(policy: string, hostNetwork: boolean, namespace: string, { server, domain, host }: ClusterDns): DnsConfig {
  if (policy === "None") return { servers: [], searches: [], options: [] };
  if (policy === "Default" || (policy === "ClusterFirst" && hostNetwork) || server === "") return host;
  const searches = [`${namespace}.svc.${domain}`, `svc.${domain}`, domain];
  return { servers: [server], searches: [...searches, ...host.searches], options: ["ndots:5"] };
}

function withinLimits(searches: readonly string[]): string[] {
  const kept = searches.slice(0, MAX_SEARCHES);
  while (kept.join(" ").length > MAX_SEARCH_CHARS) kept.pop();
  return kept;
}

/** Reads a resolv.conf. */
export function parseResolvConf(text: string): DnsConfig {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && values[0] !== undefined) servers.push(values[0]);
    else if (keyword === "search") searches = values.map((name) => (name === "." ? name : name.replace(/\.$/, "")));
    else if (keyword === "options") options = values;
  }
  return { servers, searches, options };
}

/** The name that a pod's containers take the host to have. @see pkg/kubelet/kubelet_pods.go GeneratePodHostNameAndDomain */
export function podHostname({ metadata, spec }: Pod, domain: string): { hostname: string; fqdn: string | undefined } {
  const name = spec.hostnameOverride ?? spec.hostname ?? metadata.name;
  const hostname = name.slice(0, 63).replace(/[-.]+$/, "");
  const fqdn = spec.subdomain ? `${hostname}.${spec.subdomain}.${metadata.namespace}.svc.${domain}` : undefined;
  return { hostname: spec.setHostnameAsFQDN && fqdn !== undefined ? fqdn : hostname, fqdn };
}

/** The pod's /etc/hosts. */
export function hostsFile(pod: Pod, podIps: readonly string[], hostText: string, domain: string): string {
  const { hostname, fqdn } = podHostname(pod, domain);
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => [ip, ...hostnames].join("\t"));
  const own = podIps.map((ip) => [ip, ...(fqdn === undefined ? [] : [fqdn]), hostname].join("\t"));
  const extra = aliases.length > 0 ? ["", "# Entries added by HostAliases.", ...aliases] : [];
  if (pod.spec.hostNetwork) return [...["# Kubernetes-managed hosts file (host network)."], hostText.trimEnd(), ...extra, ""].join("\n");
  const loopback = [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
  ];
  return ["# Kubernetes-managed hosts file.", ...loopback, ...own, ...extra, ""].join("\n");
}
