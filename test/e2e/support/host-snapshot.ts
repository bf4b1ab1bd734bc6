import { globSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathsOf } from "#cli/paths.ts";
import { runningClusters } from "#cli/processes.ts";
import { processIds, processText } from "#lib/process-files.ts";
import type { PrivateNetwork } from "./private-network.ts";

/** What a machine looks like, as lines by subject; two of the same machine can be compared. */
export type HostSnapshot = Readonly<Record<string, readonly string[]>>;

/**
 * Everything on this machine that a cluster could leave behind. Clusters of others that run meanwhile are left out.
 *
 * @param own the clusters whose traces are looked for
 */
export function hostSnapshot(network: PrivateNetwork, own: readonly string[]): HostSnapshot {
  const others = [...runningClusters().keys()].filter((dataDir) => !own.includes(dataDir)).map(pathsOf);
  const isTheirs = (line: string) => others.some(({ dataDir, cgroupRoot, instance }) => [dataDir, cgroupRoot, instance].some((mark) => line.includes(mark)));
  const lines = (text: string) => text.split("\n").filter((line) => line !== "" && !isTheirs(line));
  const shared = others.length > 0 ? [] : ["/run/containerd", "/var/lib/cni"];
  return {
    tables: lines(network.text("nft", "--stateless", "list", "ruleset")),
    links: lines(network.text("ip", "-o", "link", "show")),
    addresses: lines(network.text("ip", "-o", "address", "show")).filter(isGiven),
    routes: lines(network.text("ip", "route", "show", "table", "all")).filter(isGiven),
    rules: lines(network.text("ip", "rule", "show")),
    switches: lines(network.text("sh", "-c", "grep -rs '' /proc/sys/net /proc/sys/vm /proc/sys/kernel /proc/sys/fs/inotify || true")).filter(
      (line) => !VOLATILE.test(line),
    ),
    namespaces: namesIn("/run/netns").filter((name) => others.length === 0 || !name.startsWith("cni-")),
    // Below /tmp others may try things; nothing of ours lies there.
    mounts: lines(readFileSync("/proc/self/mountinfo", "utf8"))
      .map((line) => line.split(" ")[4] ?? "")
      .filter((point) => !point.startsWith("/tmp/")),
    cgroups: globSync("/sys/fs/cgroup/{*,*/*}/").filter(
      (line) => !isTheirs(line) && (!line.includes("-kubepods") || own.some((dataDir) => line.includes(pathsOf(dataDir).cgroupRoot))),
    ),
    processes: own.flatMap((dataDir) => processesOf(dataDir)),
    memory: [
      ...namesIn("/dev/shm"),
      ...namesIn("/dev/mqueue"),
      ...readFileSync("/proc/sysvipc/shm", "utf8")
        .split("\n")
        .map((line) => line.slice(0, 21)),
    ],
    files: ["/var/lib/kubelet", "/var/log/pods", "/var/log/containers", "/var/cache/skiff", "/run/skiff", ...shared].flatMap(tree),
    folders: ["/", "/run", "/var/lib", "/var/log", "/var/cache", "/opt", "/srv", "/usr/lib/cni", "/root"].flatMap((folder) =>
      namesIn(folder).map((name) => join(folder, name)),
    ),
    configuration: tree("/etc"),
  };
}

/** The kernel gives every link an address of its own, and looks for a second before it uses it. */
const isGiven = (line: string) => !line.includes("fe80:");

/** Counters, and what the kernel adapts by itself. */
const VOLATILE = /count|\/(conf|neigh)\/veth|random\/|ns_last_pid|pty\/nr|sched_|tcp_(mem|max_orphans)|udp_mem|stat_|drop_caches/;

/** What differs, a line each; empty when nothing does. */
export function differences(before: HostSnapshot, after: HostSnapshot): string[] {
  return Object.keys({ ...before, ...after }).flatMap((subject) => {
    const [was, is] = [new Set(before[subject]), new Set(after[subject])];
    const gone = [...was].filter((line) => !is.has(line)).map((line) => `${subject}: - ${line}`);
    return [...gone, ...[...is].filter((line) => !was.has(line)).map((line) => `${subject}: + ${line}`)];
  });
}

/** Marked processes, and any whose command line or cgroup names the cluster. */
function processesOf(dataDir: string): string[] {
  const { cgroupRoot } = pathsOf(dataDir);
  const text = (pid: number, file: string) => processText(pid, file).replaceAll("\0", " ");
  const isOurs = (pid: number) =>
    pid !== process.pid &&
    (text(pid, "environ").includes(`SKIFF_CLUSTER=${dataDir} `) || text(pid, "cmdline").includes(`${dataDir}/`) || text(pid, "cgroup").includes(cgroupRoot));
  return processIds()
    .filter(isOurs)
    .map((pid) => `${pid} ${text(pid, "cmdline").trim()}`);
}

/** Names, kinds, sizes and times of change of all below a folder. */
function tree(folder: string): string[] {
  return [folder, ...globSync(`${folder}/**`, { exclude: (name) => name === "node_modules" })].flatMap((path) => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return [];
    return [found.isDirectory() ? `${path}/` : `${path} ${found.size} ${found.mtimeMs}`];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
