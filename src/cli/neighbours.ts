import { join } from "node:path";
import { readIfThere, writeIfChanged } from "#lib/whole-file.ts";
import { SkiffError } from "./errors.ts";
import { instancesHere } from "./network.ts";
import { contextName, pathsOf } from "./paths.ts";
import { type ProcessInfo, type Role, sharesNetwork } from "./processes.ts";
import { networksOverlap, type PortRange, rangesOverlap, type Settings } from "./settings.ts";

/** What a cluster takes for itself on the machine's network. */
export interface Claims {
  readonly dataDir: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly nodePortRange: PortRange;
  /** The files that name it, as `skiff-NAME`. */
  readonly kubeconfigs: readonly string[];
}

export function claimsOf({ dataDir, clusterCidr, serviceCidr, nodePortRange }: Settings, kubeconfigs: readonly string[]): Claims {
  return { dataDir, clusterCidr, serviceCidr, nodePortRange, kubeconfigs };
}

/** For those who come after us. */
export function publishClaims(claims: Claims): void {
  writeIfChanged(claimsFile(claims.dataDir), `${JSON.stringify(claims)}\n`);
}

type Clusters = ReadonlyMap<string, readonly ProcessInfo[]>;

/** The claims of the other clusters that work on this network, if only by pods that their agent left behind. */
export function neighbours(dataDir: string, clusters: Clusters): readonly Claims[] {
  return [...clusters].flatMap(([other, processes]) => {
    const works = other !== dataDir && processes.some(({ role, pid }) => ON_NETWORK.has(role) && sharesNetwork(pid));
    return works ? (readClaims(other) ?? []) : [];
  });
}

/** Those of the addresses that none of the others gives out to its services. */
export function unclaimed(addresses: readonly string[], others: readonly Claims[]): readonly string[] {
  return addresses.filter((address) => !others.some(({ serviceCidr }) => networksOverlap(`${address}/32`, serviceCidr)));
}

const ON_NETWORK: ReadonlySet<Role> = new Set(["agent", "containerd", "shim"]);

/** Clusters that were killed to the last process; their rules still answer for addresses that nobody claims any more. */
export function deadInstances(dataDir: string, clusters: Clusters): readonly string[] {
  const alive = new Set([dataDir, ...clusters.keys()].map((dir) => pathsOf(dir).instance));
  return [...instancesHere()].filter((instance) => !alive.has(instance));
}

/**
 * Two clusters with the same addresses would answer for each other, in silence.
 *
 * @throws {SkiffError} SKF-1104 with flags that would do
 */
export function requireOwnAddresses(own: Claims, others: readonly Claims[]): void {
  for (const other of others) {
    const shared = sharedClaims(own, other);
    if (shared.length > 0) {
      const flags = suggestedFlags(own, others);
      throw new SkiffError("SKF-1104", `${shared.join(" and ")} ${shared.length > 1 ? "are" : "is"} taken by the cluster in ${other.dataDir}`, {
        reason: "it runs on this machine, and each would answer for the other",
        remedy: `./skiff up --data-dir ${own.dataDir} ${flags.join(" ")}`,
      });
    }
    const file = own.kubeconfigs.find((path) => other.kubeconfigs.includes(path));
    if (file !== undefined && contextName(own.dataDir) === contextName(other.dataDir)) {
      throw new SkiffError("SKF-1104", `the cluster in ${other.dataDir} is called ${contextName(own.dataDir)} in ${file}, too`, {
        reason: "a cluster is named after the last part of its data dir",
        remedy: "use a data dir with another name, or another --kubeconfig",
      });
    }
  }
}

function sharedClaims(own: Claims, other: Claims): string[] {
  const taken = [other.clusterCidr, other.serviceCidr];
  const range = ({ from, to }: PortRange) => `${from}-${to}`;
  return [
    ...(taken.some((cidr) => networksOverlap(cidr, own.clusterCidr)) ? [`pod network ${own.clusterCidr}`] : []),
    ...(taken.some((cidr) => networksOverlap(cidr, own.serviceCidr)) ? [`service network ${own.serviceCidr}`] : []),
    ...(rangesOverlap(own.nodePortRange, other.nodePortRange) ? [`node port range ${range(own.nodePortRange)}`] : []),
  ];
}

/** Flags for what is taken, with values that nobody has. */
function suggestedFlags(own: Claims, others: readonly Claims[]): string[] {
  const taken = others.flatMap(({ clusterCidr, serviceCidr }) => [clusterCidr, serviceCidr]);
  const isFree = (cidr: string) => !taken.some((other) => networksOverlap(other, cidr));
  const free: string[] = [];
  for (let second = 42; second < 256 && free.length < 2; second++) {
    const cidr = `10.${second}.0.0/16`;
    if (isFree(cidr) && !networksOverlap(cidr, own.clusterCidr) && !networksOverlap(cidr, own.serviceCidr)) free.push(cidr);
  }
  const ports = PORT_RANGES.find((range) => !others.some(({ nodePortRange }) => rangesOverlap(range, nodePortRange)));
  return [
    ...(isFree(own.clusterCidr) ? [] : [`--cluster-cidr ${free[0]}`]),
    ...(isFree(own.serviceCidr) ? [] : [`--service-cidr ${free[1]}`]),
    ...(others.some(({ nodePortRange }) => rangesOverlap(own.nodePortRange, nodePortRange)) && ports
      ? [`--service-node-port-range ${ports.from}-${ports.to}`]
      : []),
  ];
}

/** The default, and below it; what lies above is given out to clients by the kernel. */
const PORT_RANGES: readonly PortRange[] = [
  { from: 30_000, to: 32_767 },
  ...Array.from({ length: 12 }, (_, i) => ({ from: 28_000 - 2000 * i, to: 29_999 - 2000 * i })),
];

/** Undefined when the cluster was made by a skiff that left none. */
function readClaims(dataDir: string): Claims | undefined {
  try {
    return JSON.parse(readIfThere(claimsFile(dataDir)) ?? "") as Claims;
  } catch {
    return undefined;
  }
}

function claimsFile(dataDir: string): string {
  return join(dataDir, "claims.json");
}
