import { isIP } from "node:net";
import { resolve } from "node:path";
import { OPTIONAL_VERSIONS, parseRuntimeConfig } from "#api/optional-versions.ts";
import { addressAt, formatCidr, overlap, parseCidr } from "#lib/cidr.ts";
import type { LogLevel } from "#lib/logger.ts";
import { SkiffError } from "./errors.ts";
import { DEFAULT_DATA_DIR } from "./paths.ts";

/** Everything a user may set for a cluster on this machine, after flag > environment > file > default. */
export interface Settings {
  readonly dataDir: string;
  readonly bindAddress: string;
  readonly httpsPort: number;
  readonly advertiseAddress: string;
  readonly tlsSans: readonly string[];
  readonly serviceCidr: string;
  readonly clusterCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly nodePortRange: PortRange;
  /** An etcd cluster in the place of the embedded store. */
  readonly datastore: DatastoreSettings | undefined;
  /** Whether Secrets are encrypted on their way into the store. */
  readonly secretsEncryption: boolean;
  readonly audit: AuditSettings | undefined;
  /** Versions of the API that are served besides upstream's own choice. */
  readonly runtimeConfig: readonly string[];
  /** Off in tests that want the API alone. */
  readonly controllers: boolean;
  /** Whether versions that upstream has dropped are served, too. */
  readonly legacyApis: boolean;
  /** Where an agent finds its server. */
  readonly server: string;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly kubeletPort: number;
  readonly registriesFile: string;
  readonly resolvConf: string;
  readonly pauseImage: string;
  readonly logLevel: LogLevel;
}

export interface DatastoreSettings {
  /** `https://host:port`; all with TLS, or none. */
  readonly endpoints: readonly string[];
  /** Files in PEM: who signed etcd's certificates, and ours. */
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** Flags as upstream's kube-apiserver has them. */
export interface AuditSettings {
  readonly policyFile: string;
  readonly logFile: string | undefined;
  readonly maxMegabytes: number;
  readonly maxBackups: number;
  readonly maxAgeDays: number;
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** One setting: its flag without dashes; the variable is `SKIFF_` and the flag in upper snake case. */
export interface SettingFlag {
  readonly flag: string;
  readonly value: string;
  readonly help: string;
  readonly default?: string;
  /** Relative to where the user stands; processes that are started stand elsewhere. */
  readonly path?: true;
}

export const SETTING_FLAGS: readonly SettingFlag[] = [
  { flag: "data-dir", value: "DIR", help: "state of this cluster; another one moves run files too", default: DEFAULT_DATA_DIR, path: true },
  { flag: "https-listen-port", value: "PORT", help: "port of the API", default: "6443" },
  { flag: "bind-address", value: "IP", help: "address that the API listens on", default: "0.0.0.0" },
  { flag: "advertise-address", value: "IP", help: "address of the API that pods are told (default: the node's)" },
  { flag: "tls-san", value: "NAMES", help: "more names and addresses for the serving certificate, comma-separated" },
  { flag: "cluster-cidr", value: "CIDR", help: "addresses of pods", default: "10.42.0.0/16" },
  { flag: "service-cidr", value: "CIDR", help: "addresses of services", default: "10.43.0.0/16" },
  { flag: "service-node-port-range", value: "A-B", help: "ports for NodePort services", default: "30000-32767" },
  { flag: "cluster-dns", value: "IP", help: "address of the cluster's DNS (default: the tenth service address)" },
  { flag: "cluster-domain", value: "NAME", help: "DNS domain of the cluster", default: "cluster.local" },
  { flag: "datastore-endpoint", value: "URLS", help: "etcd to use instead of the embedded store: https://a:2379,https://b:2379" },
  { flag: "datastore-cafile", value: "FILE", help: "authority of etcd's certificates", path: true },
  { flag: "datastore-certfile", value: "FILE", help: "our certificate for etcd", path: true },
  { flag: "datastore-keyfile", value: "FILE", help: "its key", path: true },
  { flag: "audit-policy-file", value: "FILE", help: "what of requests is written to the audit log (default: nothing)", path: true },
  { flag: "audit-log-path", value: "FILE", help: "the audit log (default: logs/audit.log in the data dir)", path: true },
  { flag: "audit-log-maxsize", value: "MB", help: "megabytes at which it is put aside", default: "100" },
  { flag: "audit-log-maxbackup", value: "COUNT", help: "old audit logs that are kept; 0: all", default: "10" },
  { flag: "audit-log-maxage", value: "DAYS", help: "days that they are kept; 0: for ever", default: "0" },
  { flag: "runtime-config", value: "LIST", help: `versions of the API to serve besides: ${OPTIONAL_VERSIONS.map((each) => `${each}=true`).join(",")}` },
  { flag: "server", value: "URL", help: "server that the agent joins (default: the one on this machine)" },
  { flag: "node-name", value: "NAME", help: "name of this node (default: the host name)" },
  { flag: "node-ip", value: "IP", help: "address of this node (default: that of the default route)" },
  { flag: "kubelet-port", value: "PORT", help: "port of the node's own API", default: "10250" },
  { flag: "private-registry", value: "FILE", help: "mirrors and credentials of registries", default: "/etc/skiff/registries.yaml", path: true },
  { flag: "resolv-conf", value: "FILE", help: "the node's resolver file", default: "/etc/resolv.conf", path: true },
  { flag: "pause-image", value: "IMAGE", help: "image of pod sandboxes", default: "skiff.dev/pause:1" },
  { flag: "log-level", value: "LEVEL", help: "debug, info, warn or error", default: "info" },
  { flag: "secrets-encryption", value: "BOOL", help: "encrypt Secrets in the store", default: "true" },
  { flag: "without-controllers", value: "BOOL", help: "true: no controllers, no scheduler", default: "false" },
  {
    flag: "legacy-apis",
    value: "BOOL",
    help: "serve apps/v1beta1, apps/v1beta2, extensions/v1beta1 (default: true; false without controllers)",
  },
];

/** Flag to text, as given by one source. */
export type SettingTexts = Readonly<Record<string, string | undefined>>;

export interface MachineFacts {
  readonly hostname: string;
  readonly nodeIp: string;
}

export interface SettingSources {
  /** From flags and, where a flag is not given, from the environment (`givenTexts`). */
  readonly flags: SettingTexts;
  readonly file: SettingTexts;
}

/** The settings that the command line gives, and where it does not, the environment. */
export function givenTexts(flags: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string | undefined>>): SettingTexts {
  const given = SETTING_FLAGS.flatMap(({ flag, path }) => {
    const text = flags[flag] ?? env[variableOf(flag)];
    return typeof text === "string" && text !== "" ? [[flag, path ? resolve(text) : text] as const] : [];
  });
  return Object.fromEntries(given);
}

/**
 * Puts the sources together and checks every value once.
 *
 * @throws {SkiffError} SKF-1701 naming the flag and what is wrong with its value
 */
export function readSettings({ flags, file }: SettingSources, machine: MachineFacts): Settings {
  const text = (flag: string): string | undefined => {
    const declared = SETTING_FLAGS.find((candidate) => candidate.flag === flag);
    return flags[flag] ?? file[flag] ?? declared?.default;
  };
  const read: Read = (flag, parse, wants, fallback = "") => {
    const value = text(flag) ?? fallback;
    const parsed = parse(value);
    if (parsed === undefined) throw new SkiffError("SKF-1701", `--${flag}: ${JSON.stringify(value)} is not ${wants}`);
    return parsed;
  };
  const httpsPort = read("https-listen-port", parsePort, "a port between 1 and 65535");
  const serviceCidr = read("service-cidr", parseNetwork, "an IPv4 network such as 10.43.0.0/16");
  const clusterCidr = read("cluster-cidr", parseNetwork, "an IPv4 network such as 10.42.0.0/16");
  if (networksOverlap(clusterCidr, serviceCidr))
    throw new SkiffError("SKF-1701", `--cluster-cidr ${clusterCidr} and --service-cidr ${serviceCidr} have addresses in common`);
  const nodeIp = read("node-ip", parseIp, "an IP address", machine.nodeIp);
  const controllers = !read("without-controllers", parseBoolean, "true or false");
  return {
    dataDir: read("data-dir", (value) => (value === "" ? undefined : resolve(value)), "a directory"),
    bindAddress: read("bind-address", parseIp, "an IP address"),
    httpsPort,
    advertiseAddress: read("advertise-address", parseIp, "an IP address", nodeIp),
    tlsSans: read("tls-san", parseList, "a list"),
    serviceCidr,
    clusterCidr,
    clusterDns: read("cluster-dns", parseIp, "an IP address", addressAt(serviceCidr, 10)),
    clusterDomain: read("cluster-domain", parseDomain, "a DNS domain"),
    nodePortRange: read("service-node-port-range", parsePortRange, "a range such as 30000-32767"),
    datastore: readDatastore(text, read),
    secretsEncryption: read("secrets-encryption", parseBoolean, "true or false"),
    audit: readAudit(text, read),
    controllers,
    legacyApis: read("legacy-apis", parseBoolean, "true or false", String(controllers)),
    runtimeConfig: read("runtime-config", parseRuntimeConfig, `a list of what may be turned on: ${OPTIONAL_VERSIONS.map((each) => `${each}=true`).join(",")}`),
    server: read("server", parseUrl, "an https:// address", `https://127.0.0.1:${httpsPort}`),
    nodeName: read("node-name", parseNodeName, "a node name (lower-case letters, digits, '-' and '.')", machine.hostname.toLowerCase()),
    nodeIp,
    kubeletPort: read("kubelet-port", parsePort, "a port between 1 and 65535"),
    registriesFile: read("private-registry", (value) => value, "a file"),
    resolvConf: read("resolv-conf", (value) => value, "a file"),
    pauseImage: read("pause-image", (value) => value || undefined, "an image"),
    logLevel: read("log-level", parseLogLevel, "debug, info, warn or error"),
  };
}

/** Parses a setting's text. @throws {SkiffError} */
type Read = <T>(flag: string, parse: (value: string) => T | undefined, wants: string, fallback?: string) => T;

function readDatastore(text: (flag: string) => string | undefined, read: Read): DatastoreSettings | undefined {
  const files = { caFile: text("datastore-cafile"), certFile: text("datastore-certfile"), keyFile: text("datastore-keyfile") };
  if (text("datastore-endpoint") === undefined) {
    if (Object.values(files).some((file) => file !== undefined))
      throw new SkiffError("SKF-1701", "--datastore-endpoint is missing, but files for it are given");
    return undefined;
  }
  const endpoints = read("datastore-endpoint", parseEndpoints, "a list of etcd's addresses such as https://a:2379,https://b:2379");
  if ((files.certFile === undefined) !== (files.keyFile === undefined))
    throw new SkiffError("SKF-1701", "--datastore-certfile and --datastore-keyfile go together");
  return { endpoints, ...files };
}

function readAudit(text: (flag: string) => string | undefined, read: Read): AuditSettings | undefined {
  const policyFile = text("audit-policy-file");
  const [maxMegabytes, maxBackups, maxAgeDays] = ["audit-log-maxsize", "audit-log-maxbackup", "audit-log-maxage"].map((flag) =>
    read(flag, parseCount, "a whole number"),
  ) as [number, number, number];
  if (policyFile === undefined) {
    if (text("audit-log-path") !== undefined) throw new SkiffError("SKF-1701", "--audit-log-path needs --audit-policy-file, which says what is written there");
    return undefined;
  }
  if (maxMegabytes === 0) throw new SkiffError("SKF-1701", "--audit-log-maxsize: a log of no size holds nothing");
  return { policyFile, logFile: text("audit-log-path"), maxMegabytes, maxBackups, maxAgeDays };
}

/** The environment variable of a flag: `data-dir` is `SKIFF_DATA_DIR`. */
function variableOf(flag: string): string {
  return `SKIFF_${flag.toUpperCase().replaceAll("-", "_")}`;
}

/** Whether two IPv4 networks have an address in common. */
export function networksOverlap(a: string, b: string): boolean {
  const [one, other] = [parseCidr(a), parseCidr(b)];
  return one !== undefined && other !== undefined && overlap(one, other);
}

export function rangesOverlap(a: PortRange, b: PortRange): boolean {
  return a.from <= b.to && b.from <= a.to;
}

function parsePort(value: string): number | undefined {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function parsePortRange(value: string): PortRange | undefined {
  const [first, last, ...rest] = value.split("-");
  const from = parsePort(first ?? "");
  const to = parsePort(last ?? "");
  return from === undefined || to === undefined || from > to || rest.length > 0 ? undefined : { from, to };
}

function parseCount(value: string): number | undefined {
  return /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

function parseIp(value: string): string | undefined {
  return isIP(value) === 0 ? undefined : value;
}

/** IPv4 only, with the host bits clear. */
function parseNetwork(value: string): string | undefined {
  const range = parseCidr(value);
  return range !== undefined && range.bits <= 30 && formatCidr(range) === value ? value : undefined;
}

function parseDomain(value: string): string | undefined {
  const label = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
  return new RegExp(`^${label}(\\.${label})*$`).test(value) ? value : undefined;
}

function parseNodeName(value: string): string | undefined {
  return value.length <= 253 ? parseDomain(value) : undefined;
}

function parseList(value: string): readonly string[] {
  return value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function parseBoolean(value: string): boolean | undefined {
  return value === "true" ? true : value === "false" ? false : undefined;
}

function parseUrl(value: string): string | undefined {
  return URL.canParse(value) && value.startsWith("https://") ? value.replace(/\/+$/, "") : undefined;
}

function parseEndpoints(value: string): readonly string[] | undefined {
  const urls = parseList(value).map((part) => part.replace(/\/$/, ""));
  const isEndpoint = (url: string) => URL.canParse(url) && /^https?:\/\/[^/?#@]+$/.test(url);
  const schemes = new Set(urls.map((url) => url.split(":")[0]));
  return schemes.size === 1 && urls.every(isEndpoint) ? urls : undefined;
}

function parseLogLevel(value: string): LogLevel | undefined {
  return value === "debug" || value === "info" || value === "warn" || value === "error" ? value : undefined;
}
