import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { qosClass } from "#api/core-v1/pod/resources.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { killProcess } from "#kubelet/leftovers/processes.ts";
import { type Clock, sleep } from "#lib/clock.ts";

import { type CgroupResources, CPU_PERIOD_US, podResources, weightOf } from "./resources.ts";

export type CgroupVersion = 1 | 2;

/** The v1 controllers that limits are written to; runc makes the other hierarchies' folders itself. */
const LIMITED = ["cpu", "memory"] as const;
const CLEAR_WAIT_MS = 500;
const CONTROLLERS_V2 = ["cpuset", "cpu", "io", "memory", "pids", "hugetlb"];

/**
 * Where a pod's cgroup stands below the root of every hierarchy.
 *
 * @param root parent of all pods' cgroups, such as `/kubepods`
 */
export function podCgroup(root: string, pod: Pick<Pod, "metadata" | "spec">): string {
  const qos = qosClass(pod);
  const parent = qos === "Guaranteed" ? root : `${root}/${qos.toLowerCase()}`;
  return `${parent}/pod${pod.metadata.uid}`;
}

/** Pods' cgroups, on either version; the runtime makes the containers' below them. */
export class Cgroups {
  readonly #mount: string;
  readonly #root: string;
  readonly version: CgroupVersion;

  /** @param root as in `podCgroup()` */
  constructor(root: string, mount = "/sys/fs/cgroup") {
    this.#root = root;
    this.#mount = mount;
    this.version = cgroupVersion(mount);
  }

  /** Makes a pod's cgroup and sets its limits. */
  ensure(pod: Pod): string {
    const path = podCgroup(this.#root, pod);
    const resources = podResources(pod);
    if (this.version === 2) this.#ensureV2(path, resources);
    else this.#ensureV1(path, resources);
    return path;
  }

  /**
   * Kills what runs in a cgroup or below it. Whoever made it tells first of what may run there.
   *
   * @returns how many processes there were
   */
  end(path: string): number {
    const pids = new Set(this.#hierarchies().flatMap((hierarchy) => processesIn(join(hierarchy, path))));
    for (const pid of pids) killProcess(pid);
    return pids.size;
  }

  /**
   * Removes a pod's cgroup from all hierarchies; what is still in use stays.
   *
   * @returns whether nothing is left of it
   */
  remove(path: string): boolean {
    return this.#hierarchies()
      .map((hierarchy) => removeTree(join(hierarchy, path)))
      .every(Boolean);
  }

  /** Uids of pods that have a cgroup. */
  podUids(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const hierarchy of this.#hierarchies()) {
      for (const parent of [this.#root, `${this.#root}/burstable`, `${this.#root}/besteffort`]) {
        for (const name of foldersIn(join(hierarchy, parent))) {
          if (name.startsWith("pod")) found.set(name.slice("pod".length), `${parent}/${name}`);
        }
      }
    }
    return found;
  }

  #ensureV1(path: string, { cpuShares, cpuQuota, memoryBytes }: CgroupResources): void {
    const values: Record<(typeof LIMITED)[number], readonly (readonly [string, string])[]> = {
      cpu: [
        ["cpu.shares", String(cpuShares)],
        ["cpu.cfs_period_us", String(CPU_PERIOD_US)],
        ["cpu.cfs_quota_us", String(cpuQuota ?? -1)],
      ],
      memory: memoryBytes === undefined ? [] : [["memory.limit_in_bytes", String(memoryBytes)]],
    };
    for (const controller of LIMITED) {
      const base = join(this.#mount, controller);
      if (!existsSync(base)) continue;
      mkdirSync(join(base, path), { recursive: true });
      for (const [file, value] of values[controller]) write(join(base, path, file), value);
    }
  }

  #ensureV2(path: string, { cpuShares, cpuQuota, memoryBytes }: CgroupResources): void {
    let dir = this.#mount;
    for (const part of path.split("/").filter(Boolean)) {
      delegate(dir);
      dir = join(dir, part);
      mkdirSync(dir, { recursive: true });
    }
    delegate(dir);
    write(join(dir, "cpu.weight"), String(weightOf(cpuShares)));
    write(join(dir, "cpu.max"), `${cpuQuota ?? "max"} ${CPU_PERIOD_US}`);
    write(join(dir, "memory.max"), String(memoryBytes ?? "max"));
  }

  #hierarchies(): string[] {
    if (this.version === 2) return [this.#mount];
    return foldersIn(this.#mount).map((name) => join(this.#mount, name));
  }
}

/** Removes the cgroup of a pod whose containers are gone; what runs there all the same, as a start that was cut off leaves it, is killed. */
export async function clearCgroup(cgroups: Cgroups, path: string, clock: Clock): Promise<void> {
  for (let waitMs = 1; !cgroups.remove(path) && waitMs < CLEAR_WAIT_MS; waitMs *= 2) {
    cgroups.end(path);
    await sleep(clock, waitMs);
  }
}

/** @param mount where cgroups are mounted; a hybrid machine counts as version 1, as its controllers are there */
function cgroupVersion(mount: string): CgroupVersion {
  return existsSync(join(mount, "cgroup.controllers")) ? 2 : 1;
}

/** Lets children of `dir` have the controllers that it has itself. */
function delegate(dir: string): void {
  const available = readFileSync(join(dir, "cgroup.controllers"), "utf8").trim().split(" ");
  for (const controller of CONTROLLERS_V2.filter((name) => available.includes(name))) write(join(dir, "cgroup.subtree_control"), `+${controller}`);
}

/** Writes a control file; a kernel without it, or one that refuses the value, leaves the pod without this limit. */
function write(file: string, value: string): void {
  try {
    writeFileSync(file, value);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && code !== "EINVAL" && code !== "EBUSY") throw error;
  }
}

function foldersIn(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function processesIn(dir: string): number[] {
  const below = foldersIn(dir).flatMap((name) => processesIn(join(dir, name)));
  try {
    return [...below, ...readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number)];
  } catch {
    return below; // it went meanwhile, or was never there
  }
}

/** @returns whether it is gone */
function removeTree(dir: string): boolean {
  for (const name of foldersIn(dir)) removeTree(join(dir, name));
  try {
    rmdirSync(dir);
    return true;
  } catch (error) {
    // A read-only file system, as the folder of all hierarchies may be one, says so even of what is not there.
    if (!existsSync(dir)) return true;
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "EBUSY" && code !== "ENOTEMPTY") throw error;
    return false;
  }
}
