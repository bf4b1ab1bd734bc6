import type { Service } from "#api/core-v1/types.ts";
import type { Endpoint, EndpointSlice } from "#api/discovery-v1/types.ts";

/** What a zone looks its answers up in; every call costs its result only. */
export interface ClusterRecords {
  /** Whether all that stands is known; before that, a name that is not found may be there. */
  isComplete(): boolean;
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, serviceName: string): readonly EndpointSlice[];
  hasNamespace(namespace: string): boolean;
  serviceByIp(ip: string): Service | undefined;
  endpointByIp(ip: string): { readonly namespace: string; readonly serviceName: string; readonly hostname: string } | undefined;
}

export type RecordData =
  | { readonly type: "A" | "AAAA" | "CNAME" | "PTR" | "TXT"; readonly name: string; readonly data: string }
  | {
      readonly type: "SRV";
      readonly name: string;
      readonly data: { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string };
    };

export interface ZoneAnswer {
  readonly rcode: "NOERROR" | "NXDOMAIN";
  readonly answers: readonly RecordData[];
  readonly additionals: readonly RecordData[];
}

export interface Question {
  readonly name: string;
  readonly type: string;
}

const MISSING: ZoneAnswer = { rcode: "NXDOMAIN", answers: [], additionals: [] };
const NOTHING: ZoneAnswer = { rcode: "NOERROR", answers: [], additionals: [] };
const found = (answers: readonly RecordData[], additionals: readonly RecordData[] = []): ZoneAnswer => ({ rcode: "NOERROR", answers, additionals });

/** The version of the naming scheme that `dns-version` tells of. */
const SCHEMA_VERSION = "1.1.0";

/**
 * Answers a question about the cluster's own names.
 *
 * @param domain the cluster domain, such as `cluster.local`
 * @returns `undefined` when the name is not the cluster's to answer
 * @see kubernetes/dns docs/specification.md
 */
export function answerFromCluster(question: Question, domain: string, records: ClusterRecords): ZoneAnswer | undefined {
  const name = question.name.toLowerCase().replace(/\.$/, "");
  if (name.endsWith(".in-addr.arpa")) return reverse(question, name, domain, records);
  if (name !== domain && !name.endsWith(`.${domain}`)) return undefined;
  const labels = name === domain ? [] : name.slice(0, -domain.length - 1).split(".");
  const root = labels.at(-1);
  if (root === undefined) return NOTHING;
  if (root === "dns-version" && labels.length === 1)
    return question.type === "TXT" ? found([{ type: "TXT", name: question.name, data: SCHEMA_VERSION }]) : NOTHING;
  if (root === "svc") return serviceName(question, labels.slice(0, -1), domain, records);
  if (root === "pod") return podName(question, labels.slice(0, -1), records);
  return MISSING;
}

function serviceName(question: Question, labels: readonly string[], domain: string, records: ClusterRecords): ZoneAnswer {
  const [namespace, serviceLabel, ...rest] = labels.toReversed();
  if (namespace === undefined) return NOTHING;
  if (serviceLabel === undefined) return records.hasNamespace(namespace) ? NOTHING : MISSING;
  const service = records.service(namespace, serviceLabel);
  if (service === undefined) return MISSING;
  const lookup: Lookup = { question, service, domain, slices: records.slices(namespace, serviceLabel) };
  if (service.spec.type === "ExternalName") return rest.length === 0 ? externalName(lookup) : MISSING;
  if (rest.length === 0) return addresses(lookup);
  if (rest.length === 2 && rest[0]!.startsWith("_") && rest[1]!.startsWith("_")) return ports(lookup, rest[1]!.slice(1), rest[0]!.slice(1));
  return rest.length === 1 && isHeadless(service) ? endpointName(lookup, rest[0]!) : MISSING;
}

interface Lookup {
  readonly question: Question;
  readonly service: Service;
  readonly domain: string;
  readonly slices: readonly EndpointSlice[];
}

const isHeadless = ({ spec }: Service) => spec.clusterIP === "None";
const addressType = (ip: string) => (ip.includes(":") ? "AAAA" : "A");
const hostnameOf = ({ hostname, addresses }: Endpoint) => hostname ?? addresses[0]!.replace(/[.:]/g, "-");

function externalName({ question, service }: Lookup): ZoneAnswer {
  return found([{ type: "CNAME", name: question.name, data: service.spec.externalName ?? "" }]);
}

function addresses(lookup: Lookup): ZoneAnswer {
  const ips = isHeadless(lookup.service)
    ? endpoints(lookup).flatMap(({ addresses }) => addresses)
    : (lookup.service.spec.clusterIPs ?? [lookup.service.spec.clusterIP!]);
  if (isHeadless(lookup.service) && ips.length === 0) return MISSING;
  return ofType(lookup.question, ips);
}

function ofType({ name, type }: Question, ips: readonly string[]): ZoneAnswer {
  const wanted = [...new Set(ips)].filter((ip) => type === addressType(ip) || type === "ANY");
  return found(wanted.map((ip) => ({ type: addressType(ip), name, data: ip })));
}

/** Endpoints that may be told: ready ones, or all when the service asks so. */
function endpoints({ service, slices }: Lookup): Endpoint[] {
  const all = slices.flatMap((slice) => (slice.addressType === "FQDN" ? [] : (slice.endpoints ?? [])));
  return service.spec.publishNotReadyAddresses ? all : all.filter(({ conditions }) => conditions?.ready !== false);
}

function endpointName(lookup: Lookup, hostname: string): ZoneAnswer {
  const named = endpoints(lookup).filter((endpoint) => hostnameOf(endpoint) === hostname);
  return named.length === 0
    ? MISSING
    : ofType(
        lookup.question,
        named.flatMap(({ addresses }) => addresses),
      );
}

/** `_http._tcp.web.default.svc…`: a port by name and protocol. */
function ports(lookup: Lookup, portName: string, protocol: string): ZoneAnswer {
  const matches = (port: { readonly name?: string | undefined; readonly protocol?: string | undefined }) =>
    port.name === portName && (port.protocol ?? "TCP").toLowerCase() === protocol;
  const targets = isHeadless(lookup.service) ? headlessTargets(lookup, matches) : clusterIpTargets(lookup, matches);
  if (targets.length === 0) return MISSING;
  if (lookup.question.type !== "SRV" && lookup.question.type !== "ANY") return NOTHING;
  const weight = Math.max(1, Math.trunc(100 / targets.length));
  const answers = targets.map(({ target, port }) => ({ type: "SRV" as const, name: lookup.question.name, data: { priority: 0, weight, port, target } }));
  return found(
    answers,
    targets.flatMap(({ target, ips }) => ips.map((ip) => ({ type: addressType(ip), name: target, data: ip }) as const)),
  );
}

interface Target {
  readonly target: string;
  readonly port: number;
  readonly ips: readonly string[];
}
type PortMatch = (port: { readonly name?: string | undefined; readonly protocol?: string | undefined }) => boolean;

const serviceDomain = ({ service, domain }: Lookup) => `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`;

function clusterIpTargets(lookup: Lookup, matches: PortMatch): Target[] {
  const { clusterIPs = [], ports = [] } = lookup.service.spec;
  return ports.filter(matches).map(({ port }) => ({ target: serviceDomain(lookup), port, ips: clusterIPs }));
}

function headlessTargets(lookup: Lookup, matches: PortMatch): Target[] {
  const told = new Set(endpoints(lookup));
  return lookup.slices.flatMap((slice) =>
    (slice.ports ?? [])
      .filter(matches)
      .flatMap(({ port }) =>
        (slice.endpoints ?? [])
          .filter((endpoint) => told.has(endpoint))
          .map((endpoint) => ({ target: `${hostnameOf(endpoint)}.${serviceDomain(lookup)}`, port: port ?? 0, ips: endpoint.addresses })),
      ),
  );
}

/** `10-42-0-7.default.pod…`: an address written as a name, whether such a pod runs or not. */
function podName(question: Question, labels: readonly string[], records: ClusterRecords): ZoneAnswer {
  const [namespace, dashed, ...rest] = labels.toReversed();
  if (namespace === undefined) return NOTHING;
  if (!records.hasNamespace(namespace) || rest.length > 0) return MISSING;
  if (dashed === undefined) return NOTHING;
  const ip = /^\d+-\d+-\d+-\d+$/.test(dashed) ? dashed.replaceAll("-", ".") : undefined;
  return ip === undefined ? MISSING : ofType(question, [ip]);
}

function reverse(question: Question, name: string, domain: string, records: ClusterRecords): ZoneAnswer | undefined {
  const ip = name.slice(0, -".in-addr.arpa".length).split(".").reverse().join(".");
  const target = reverseTarget(ip, domain, records);
  if (target === undefined) return undefined;
  return question.type === "PTR" || question.type === "ANY" ? found([{ type: "PTR", name: question.name, data: target }]) : NOTHING;
}

function reverseTarget(ip: string, domain: string, records: ClusterRecords): string | undefined {
  const service = records.serviceByIp(ip);
  if (service !== undefined) return `${service.metadata.name}.${service.metadata.namespace}.svc.${domain}`;
  const endpoint = records.endpointByIp(ip);
  return endpoint && `${endpoint.hostname}.${endpoint.serviceName}.${endpoint.namespace}.svc.${domain}`;
}
