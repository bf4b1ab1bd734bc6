import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "#cli/paths.ts";
import { childrenOf, clusterProcesses } from "#cli/processes.ts";
import { mountPoints } from "#lib/mounts.ts";
import { command } from "./command.ts";

/** How much of the machine a cluster has in its hands; what pods have taken must come back when they are gone. */
export type Holdings = Readonly<Record<Held, number>>;

export const HELD = [
  "processes",
  "shims",
  "mounts",
  "network namespaces",
  "links",
  "cgroups",
  "nft elements",
  "addresses given",
  "CNI results",
  "pod files",
  "containerd's files",
  "other files",
] as const;
export type Held = (typeof HELD)[number];

export async function holdingsOf(paths: Paths, podNetwork: string): Promise<Holdings> {
  const { dataDir, runDir, kubeletDir, podLogsDir, containerLogsDir, containerdDir, containerdState } = paths;
  const ours = clusterProcesses(dataDir);
  const leases = join(dataDir, "agent/cni");
  const podFiles = filesBelow(kubeletDir) + filesBelow(podLogsDir) + filesBelow(containerLogsDir);
  // The image store's temporary folder and its database are containerd's own affair, but few.
  const containerdFiles = filesBelow(containerdDir) + filesBelow(containerdState);
  return {
    processes: ours.length + descendants(new Set(ours.filter(({ role }) => role === "shim").map(({ pid }) => pid))),
    shims: ours.filter(({ role }) => role === "shim").length,
    mounts: mountPoints().filter((point) => point.startsWith(`${dataDir}/`) || point.startsWith(`${runDir}/`)).length,
    "network namespaces": await networkNamespaces(podNetwork),
    links: await links(`${paths.instance}0`),
    cgroups: cgroupsBelow(paths.cgroupRoot),
    "nft elements": await elements(paths.instance),
    "addresses given": filesBelow(leases),
    "CNI results": cniResults(`${paths.instance}0`),
    "pod files": podFiles,
    "containerd's files": containerdFiles,
    "other files": filesBelow(dataDir) - podFiles - containerdFiles - filesBelow(leases),
  };
}

/** Memory and open files of one process. */
export function footprint(pid: number): { readonly rssMb: number; readonly handles: number } {
  const rss = /^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  return { rssMb: Number(rss) / 1024, handles: namesIn(`/proc/${pid}/fd`).length };
}

function descendants(parents: ReadonlySet<number>): number {
  const children = new Set(childrenOf(parents).map(({ pid }) => pid));
  return children.size === 0 ? 0 : children.size + descendants(children);
}

/** Those with an address of ours, and those with none at all: other clusters of the machine have theirs. */
async function networkNamespaces(podNetwork: string): Promise<number> {
  let count = 0;
  for (const name of namesIn("/run/netns")) {
    const listing = await command("ip", ["-netns", name, "-4", "-oneline", "address", "show", "scope", "global"]).catch(() => "");
    if (listing === "" || listing.includes(` ${podNetwork}`)) count++;
  }
  return count;
}

async function links(bridge: string): Promise<number> {
  const all = JSON.parse(await command("ip", ["-json", "link", "show"])) as { ifname: string; master?: string }[];
  return all.filter(({ ifname, master }) => ifname === bridge || master === bridge).length;
}

/** Pods' own and what is below; their parents stay, in as many hierarchies as have had a pod of their class. */
function cgroupsBelow(root: string): number {
  const controllers = namesIn("/sys/fs/cgroup").map((name) => join("/sys/fs/cgroup", name, root));
  return [join("/sys/fs/cgroup", root), ...controllers].reduce((total, dir) => total + podFoldersBelow(dir), 0);
}

async function elements(table: string): Promise<number> {
  const { nftables } = JSON.parse(await command("nft", ["--json", "list", "table", "ip", table]).catch(() => '{"nftables":[]}')) as {
    nftables: { set?: { elem?: unknown[] }; map?: { elem?: unknown[] } }[];
  };
  return nftables.reduce((total, { set, map }) => total + (set?.elem?.length ?? 0) + (map?.elem?.length ?? 0), 0);
}

function cniResults(bridge: string): number {
  const dir = "/var/lib/cni/results";
  return namesIn(dir).filter((name) => {
    try {
      return readFileSync(join(dir, name), "utf8").includes(bridge);
    } catch {
      return false;
    }
  }).length;
}

function filesBelow(dir: string): number {
  return entriesBelow(dir).length;
}

function podFoldersBelow(dir: string): number {
  return entriesBelow(dir).filter((path) => path.includes("/pod") && statSync(path, { throwIfNoEntry: false })?.isDirectory()).length;
}

/** Without the files inside of containers, and of mounts: links are not followed, overlays not looked into. */
function entriesBelow(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
      const path = join(dir, entry.name);
      return entry.isDirectory() && entry.name !== "rootfs" ? [path, ...entriesBelow(path)] : [path];
    });
  } catch {
    return [];
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
