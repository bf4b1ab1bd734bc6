import { existsSync, globSync, lstatSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { shimSocket } from "#lib/shim-socket.ts";
import { cgroupHierarchies } from "./cgroups.ts";
import { type HostRecord, handOverRecord, ownFolders, readHostRecord, restoreSwitches, SHARED_FOLDERS } from "./host-record.ts";
import { removeEmptyTables } from "./iptables.ts";
import { unmountBelow } from "./mounts.ts";
import { type Claims, unclaimed } from "./neighbours.ts";
import { removeNetwork } from "./network.ts";
import { DEFAULT_DATA_DIR, type Paths, pathsOf } from "./paths.ts";

/** A machine that tells us nothing of what was before: all that only clusters make is removed. */
const NO_RECORD: HostRecord = { switches: {}, absentTables: [], folders: [], addresses: [] };

/**
 * Removes what a stopped cluster left on the machine: mounts, network namespaces and devices, nftables tables and
 * iptables rules, cgroups, files; and sets kernel switches back. Whatever it did not make stays; so does what another
 * cluster uses, which then inherits the duty to remove it.
 *
 * @param heirs other clusters that work on this network
 * @returns what could not be removed
 */
export function purge(paths: Paths, clusterDns: string, heirs: readonly Claims[]): readonly string[] {
  const record = readHostRecord(paths) ?? NO_RECORD;
  const left = [...unmountBelow(ownFolders(paths))];
  removeNetwork(paths.instance, unclaimed([clusterDns, ...record.addresses], heirs), paths.runDir);
  forgetContainers(paths);
  for (const hierarchy of cgroupHierarchies()) removeCgroup(join(hierarchy, paths.cgroupRoot));
  const [heir] = heirs;
  if (heir !== undefined) handOverRecord(record, pathsOf(heir.dataDir));
  else {
    removeEmptyTables(record.absentTables);
    restoreSwitches(record);
  }
  return [...left, ...removeFiles(paths, new Set(record.folders), left)];
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
