import { execFile } from "node:child_process";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import type { KubeletConfig } from "#kubelet/config.ts";
import { CNI_NETWORK } from "#kubelet/runtime/cni-config.ts";
import { cniLeaseDir } from "#kubelet/runtime/node-runtime.ts";
import { mountPoints } from "#lib/mounts.ts";
import { processIds, processText } from "#lib/process-files.ts";

/** What pods of one node have on the machine, by kind: names of things, sorted. Without pods all lists are empty. */
export type HostState = Readonly<Record<string, readonly string[]>>;

const run = promisify(execFile);

/** @returns all kinds, those with nothing too */
export async function hostState(config: KubeletConfig): Promise<HostState> {
  const { containerd, cni, dataDir } = config;
  const cri = "io.containerd.grpc.v1.cri";
  const task = "io.containerd.runtime.v2.task/k8s.io";
  const below = (...parts: string[]) => names(join(...parts));
  const state: Record<string, readonly string[]> = {
    containers: await lines("ctr", ["--address", containerd.socket, "--namespace", "k8s.io", "containers", "ls", "--quiet"]),
    tasks: await lines("ctr", ["--address", containerd.socket, "--namespace", "k8s.io", "tasks", "ls", "--quiet"]),
    snapshots: (await lines("ctr", ["--address", containerd.socket, "--namespace", "k8s.io", "snapshots", "ls"])).filter((line) => / Active\s*$/.test(line)),
    "runtime's folders": [containerd.state, containerd.root].flatMap((dir) =>
      [`${cri}/containers`, `${cri}/sandboxes`, task].flatMap((part) => below(dir, part)),
    ),
    "runc's folders": [...below(containerd.state, "runc/k8s.io"), ...runcFolders(containerd.state)],
    "network namespaces": [...below(containerd.state, cri, "netns"), ...(await foreignNamespaces(cni.bridge))],
    links: (await lines("ip", ["-o", "link", "show", "master", cni.bridge])).map((line) => line.split(":")[1] ?? ""),
    addresses: below(cniLeaseDir(dataDir), CNI_NETWORK).filter((name) => !/^(lock|last_reserved_ip)/.test(name)),
    "network results": networkResults(cni.bridge),
    "port rules": (await lines("iptables-save", ["-t", "nat"])).filter((line) => line.includes(config.clusterCidr.replace("0/24", ""))),
    cgroups: globSync(`/sys/fs/cgroup{,/*}${config.cgroupRoot}/{,burstable/,besteffort/}pod*{,/*}/`),
    mounts: mountPoints().filter((point) => point.startsWith(`${dataDir}/`)),
    processes: processesOf(config),
    "pods' folders": below(config.kubeletDir, "pods"),
    "log folders": below(config.podLogsDir),
    "log links": below(config.containerLogsDir),
  };
  return Object.fromEntries(Object.entries(state).map(([kind, found]) => [kind, [...found].sort()]));
}

/** Only what is there. */
export function leftIn(state: HostState): HostState {
  return Object.fromEntries(Object.entries(state).filter(([, found]) => found.length > 0));
}

function names(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}

async function lines(program: string, args: readonly string[]): Promise<string[]> {
  try {
    return (await run(program, args)).stdout.split("\n").filter(Boolean);
  } catch (error) {
    return program === "ip" ? [] : [String(error)]; // the bridge is made for the first pod
  }
}

/** runc's folders of containers whose bundle is ours, in the place that all share. */
function runcFolders(state: string): string[] {
  return globSync("/run/containerd/runc/k8s.io/*").filter((folder) => {
    try {
      return readFileSync(join(folder, "state.json"), "utf8").includes(state);
    } catch {
      return false;
    }
  });
}

/** Namespaces in the place that all share, with a link to our bridge. */
async function foreignNamespaces(bridge: string): Promise<string[]> {
  const links = JSON.parse((await lines("ip", ["-j", "link", "show", "master", bridge])).join("") || "[]") as { link_netnsid?: number }[];
  const spaces = JSON.parse((await lines("ip", ["-j", "netns", "list-id"])).join("") || "[]") as { nsid: number; name?: string }[];
  return spaces.flatMap(({ nsid, name }) => (name !== undefined && links.some(({ link_netnsid }) => link_netnsid === nsid) ? [name] : []));
}

function networkResults(bridge: string): string[] {
  return globSync("/var/lib/cni/results/*").filter((file) => {
    try {
      const { config = "" } = JSON.parse(readFileSync(file, "utf8")) as { config?: string };
      return Buffer.from(config, "base64").toString().includes(`"${bridge}"`);
    } catch {
      return false;
    }
  });
}

/** Shims of this node's containerd, what runs in pods' cgroups, and whatever else was started for a pod. */
function processesOf({ containerd, dataDir, cgroupRoot }: KubeletConfig): string[] {
  return processIds().flatMap((pid) => {
    const words = processText(pid, "cmdline").split("\0");
    const isPart = words[0] === containerd.binary || words[0] === process.execPath;
    const ours = (!isPart && words.some((word) => word.includes(dataDir))) || processText(pid, "cgroup").includes(`${cgroupRoot}/`);
    return ours ? [`${pid} ${words.slice(0, 6).join(" ")}`] : [];
  });
}
