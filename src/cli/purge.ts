import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { unmountBelow } from "./mounts.ts";
import { DEFAULT_DATA_DIR, type Paths } from "./paths.ts";

/**
 * Removes what a stopped cluster left on the machine: mounts, network namespaces and devices, nftables tables, cgroups,
 * files. Whatever it did not make stays; so does a folder that other things live in.
 */
export function purge(paths: Paths, clusterDns: string): void {
  endPodProcesses(paths.cgroupRoot);
  removeNetwork(paths.instance);
  // The agent gives this address to the loopback device.
  run("ip", ["address", "delete", `${clusterDns}/32`, "dev", "lo"]);
  forgetContainers(paths);
  unmountBelow([paths.dataDir, paths.runDir, paths.kubeletDir]);
  removeTables(paths.instance);
  for (const hierarchy of cgroupHierarchies()) removeCgroup(join(hierarchy, paths.cgroupRoot));
  removeFiles(paths);
}

/** A container's start that was cut off leaves a runc in the pod's cgroup, which waits for ever. */
function endPodProcesses(cgroupRoot: string): void {
  const lists = cgroupHierarchies().flatMap((hierarchy) => globSync(join(hierarchy, cgroupRoot, "**/cgroup.procs")));
  const pids = new Set(lists.flatMap((file) => readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number)));
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

interface Link {
  readonly ifname: string;
  readonly link_netnsid?: number;
}

/** Pods' namespaces are found by their veth's place on our bridge. */
function removeNetwork(instance: string): void {
  const bridge = `${instance}0`;
  const veths = ipJson<Link>(["link", "show", "master", bridge]);
  const ids = new Set(veths.map(({ link_netnsid }) => link_netnsid));
  const spaces = ipJson<{ readonly nsid: number; readonly name?: string }>(["netns", "list-id"]);
  for (const { nsid, name } of spaces) if (name !== undefined && ids.has(nsid)) run("ip", ["netns", "delete", name]);
  for (const { ifname } of veths) run("ip", ["link", "delete", ifname]);
  for (const { ifname } of ipJson<Link>(["link", "show"])) {
    if (ifname === bridge || ifname.startsWith(`${instance}-`)) run("ip", ["link", "delete", ifname]);
  }
  for (const file of globSync("/var/lib/cni/results/*")) if (isOurCniResult(file, bridge)) rmSync(file, { force: true });
}

interface CniResult {
  /** Base64. */
  readonly config?: string;
  readonly result?: { readonly interfaces?: readonly { readonly sandbox?: string }[] };
}

/** One of our bridge, or a loopback's whose namespace is gone: those do not say whose they are. */
function isOurCniResult(file: string, bridge: string): boolean {
  try {
    const { config = "", result } = JSON.parse(readFileSync(file, "utf8")) as CniResult;
    const text = Buffer.from(config, "base64").toString();
    const spaces = (result?.interfaces ?? []).flatMap(({ sandbox }) => (sandbox === undefined ? [] : [sandbox]));
    return text.includes(`"${bridge}"`) || (text.includes('"cni-loopback"') && spaces.every((space) => !existsSync(space)));
  } catch {
    return false;
  }
}

/** runc's own files lie in a folder that all containerds share. */
function forgetContainers({ containerdState }: Paths): void {
  removeShimSockets(containerdState);
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
    if (table !== undefined && isOurTable(table.name, instance)) run("nft", ["delete", "table", table.family, table.name]);
  }
}

/** `skiff`, `skiff_nat`, `skiff-filter`; but not `skiffle`. */
export function isOurTable(name: string, instance: string): boolean {
  return name === instance || name.startsWith(`${instance}_`) || name.startsWith(`${instance}-`);
}

/** v2's root, or each controller's of v1. */
function cgroupHierarchies(): readonly string[] {
  const root = "/sys/fs/cgroup";
  return existsSync(root) ? [root, ...globSync(`${root}/*/`)] : [];
}

/** A cgroup goes only when those in it are gone. */
function removeCgroup(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
  removeIfEmpty(folder);
}

/** What shims, runc and CNI plugins make for all containerds of a machine, inner folders first. */
const SHARED_FOLDERS = ["/run/containerd/runc/k8s.io", "/run/containerd/runc", "/run/containerd/s", "/run/containerd", "/var/lib/cni/results", "/var/lib/cni"];

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is not there, or others use it.
  }
}

function removeFiles(paths: Paths): void {
  const { dataDir, runDir, kubeletDir, podLogsDir, containerLogsDir } = paths;
  for (const folder of [runDir, kubeletDir, podLogsDir, containerLogsDir, dataDir]) rmSync(folder, { recursive: true, force: true });
  if (dataDir === DEFAULT_DATA_DIR) rmSync("/var/cache/skiff", { recursive: true, force: true });
  for (const folder of SHARED_FOLDERS) removeIfEmpty(folder);
}

function ipJson<T>(words: readonly string[]): readonly T[] {
  const text = output("ip", ["-j", ...words]);
  return text === "" ? [] : (JSON.parse(text) as T[]).filter((entry) => Object.keys(entry as object).length > 0);
}

/** A tool's output; empty when the tool or the thing it was asked for is not there. */
function output(tool: string, words: readonly string[]): string {
  try {
    return execFileSync(tool, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}

function run(tool: string, words: readonly string[]): void {
  output(tool, words);
}
