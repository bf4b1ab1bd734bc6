import { execFileSync } from "node:child_process";
import { existsSync, globSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { shimSocket } from "#lib/shim-socket.ts";
import { cgroupHierarchies } from "./cgroups.ts";
import { type HostRecord, handOverRecord, ownFolders, readHostRecord, restoreSwitches, SHARED_FOLDERS } from "./host-record.ts";
import { removeEmptyTables, removePortRules } from "./iptables.ts";
import { unmountBelow } from "./mounts.ts";
import { DEFAULT_DATA_DIR, type Paths } from "./paths.ts";

/** A machine that tells us nothing of what was before: all that only clusters make is removed. */
const NO_RECORD: HostRecord = { switches: {}, absentTables: [], folders: [], addresses: [] };

/**
 * Removes what a stopped cluster left on the machine: mounts, network namespaces and devices, nftables tables and
 * iptables rules, cgroups, files; and sets kernel switches back. Whatever it did not make stays; so does what another
 * cluster uses, which then inherits the duty to remove it.
 *
 * @param heirs other clusters that run on this machine
 * @returns what could not be removed
 */
export function purge(paths: Paths, clusterDns: string, heirs: readonly Paths[]): readonly string[] {
  const record = readHostRecord(paths) ?? NO_RECORD;
  const left = [...unmountBelow(ownFolders(paths))];
  const results = ourCniResults(paths);
  removeNetwork(paths.instance, new Set([clusterDns, ...record.addresses]));
  removeTables(paths.instance);
  removePortRules(results.map(containerOf));
  for (const file of results) rmSync(file, { force: true });
  forgetContainers(paths);
  for (const hierarchy of cgroupHierarchies()) removeCgroup(join(hierarchy, paths.cgroupRoot));
  const [heir] = heirs;
  if (heir !== undefined) handOverRecord(record, heir);
  else {
    removeEmptyTables(record.absentTables);
    restoreSwitches(record);
  }
  return [...left, ...removeFiles(paths, new Set(record.folders), left)];
}

interface Link {
  readonly ifname: string;
}

/** Pods' ends go with their network namespaces, which are mounts below the run dir; this removes what is left of them. */
function removeNetwork(instance: string, addresses: ReadonlySet<string>): void {
  const bridge = `${instance}0`;
  const onBridge = new Set(ipJson<Link>(["link", "show", "master", bridge]).map(({ ifname }) => ifname));
  const ours = ipJson<Link>(["link", "show"]).filter(({ ifname }) => onBridge.has(ifname) || ifname === bridge || ifname.startsWith(`${instance}-`));
  const commands = ours.map(({ ifname }) => `link delete dev ${ifname}`);
  // The agent gives these to the loopback device.
  commands.push(...[...addresses].map((address) => `address delete ${address}/32 dev lo`));
  output("ip", ["-force", "-batch", "-"], `${commands.join("\n")}\n`);
}

interface CniResult {
  /** Base64. */
  readonly config?: string;
  readonly result?: { readonly interfaces?: readonly { readonly sandbox?: string }[] };
}

/** What the CNI library keeps, for all containerds of a machine, of each network that a container has. */
function ourCniResults({ instance, runDir }: Paths): readonly string[] {
  return globSync("/var/lib/cni/results/*").filter((file) => {
    try {
      const { config = "", result } = JSON.parse(readFileSync(file, "utf8")) as CniResult;
      const spaces = (result?.interfaces ?? []).flatMap(({ sandbox }) => (sandbox === undefined ? [] : [sandbox]));
      const isOnBridge = Buffer.from(config, "base64").toString().includes(`"${instance}0"`);
      return isOnBridge || spaces.some((space) => space.startsWith(`${runDir}/`));
    } catch {
      return false;
    }
  });
}

/** `skiff-CONTAINER-eth0`, after network, container and device. */
function containerOf(file: string): string {
  return basename(file).split("-").at(-2) ?? "";
}

/** runc's own files lie in a folder that all containerds share. */
function forgetContainers({ containerdState, containerdDir, containerdSocket }: Paths): void {
  removeShimSockets(containerdState);
  // Of a shim that died before its containerd, the task is gone; its socket is named for the sandbox.
  for (const sandbox of globSync(join(containerdDir, "io.containerd.grpc.v1.cri/sandboxes/*"))) {
    rmSync(shimSocket(containerdSocket, basename(sandbox)), { force: true });
  }
  for (const task of tasksIn(containerdState)) rmSync(join("/run/containerd/runc/k8s.io", basename(task)), { recursive: true, force: true });
}

/** The sockets of shims that were killed, which lie in a folder that all containerds share; their tasks name them. */
export function removeShimSockets(containerdState: string): void {
  for (const task of tasksIn(containerdState)) {
    const address = join(task, "address");
    if (existsSync(address)) rmSync(readFileSync(address, "utf8").replace(/^unix:\/\//, ""), { force: true });
  }
}

function tasksIn(containerdState: string): readonly string[] {
  return globSync(join(containerdState, "io.containerd.runtime.v2.task/k8s.io/*"));
}

function removeTables(instance: string): void {
  const listing = output("nft", ["-j", "list", "tables"]);
  if (listing === "") return;
  const { nftables } = JSON.parse(listing) as { nftables: { table?: { family: string; name: string } }[] };
  for (const { table } of nftables) {
    if (table !== undefined && isOurTable(table.name, instance)) output("nft", ["delete", "table", table.family, table.name]);
  }
}

/** `skiff`, `skiff_nat`, `skiff-filter`; but not `skiffle`. */
export function isOurTable(name: string, instance: string): boolean {
  return name === instance || name.startsWith(`${instance}_`) || name.startsWith(`${instance}-`);
}

/** A cgroup goes only when those in it are gone. */
function removeCgroup(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
  removeIfEmpty(folder);
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is not there, or others use it.
  }
}

/** @param kept folders that were there before @param mounted what must not be reached into */
function removeFiles(paths: Paths, kept: ReadonlySet<string>, mounted: readonly string[]): readonly string[] {
  const left: string[] = [];
  const remove = (path: string) => {
    if (mounted.some((point) => point === path || point.startsWith(`${path}/`))) return;
    try {
      rmSync(path, { recursive: true, force: true });
    } catch (error) {
      left.push(`${path}: ${(error as Error).message}`);
    }
  };
  for (const folder of ownFolders(paths)) {
    if (!kept.has(folder)) remove(folder);
    else for (const entry of ownEntries(folder, paths)) remove(join(folder, entry));
  }
  if (paths.dataDir === DEFAULT_DATA_DIR) remove("/var/cache/skiff");
  for (const folder of SHARED_FOLDERS) if (!kept.has(folder)) removeIfEmpty(folder);
  return left;
}

/** What is ours in a folder that was there before us: another kubelet may have been its user. */
function ownEntries(folder: string, { kubeletDir, containerLogsDir, podLogsDir }: Paths): readonly string[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (folder === kubeletDir) return names.filter((name) => name === "pods");
  if (folder === containerLogsDir) return names.filter((name) => linkTarget(join(folder, name)).startsWith(`${podLogsDir}/`));
  return names;
}

function linkTarget(path: string): string {
  return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : "";
}

function ipJson<T>(words: readonly string[]): readonly T[] {
  const text = output("ip", ["-j", ...words]);
  return text === "" ? [] : (JSON.parse(text) as T[]).filter((entry) => Object.keys(entry as object).length > 0);
}

/** A tool's output; empty when the tool or the thing it was asked for is not there. */
function output(tool: string, words: readonly string[], input = ""): string {
  try {
    return execFileSync(tool, words, { encoding: "utf8", stdio: ["pipe", "pipe", "ignore"], input }).trim();
  } catch {
    return "";
  }
}
