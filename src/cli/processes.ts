import { readdirSync, readlinkSync } from "node:fs";
import { type Clock, sleep } from "#lib/clock.ts";
import { processIds, processText } from "#lib/process-files.ts";

/** Every process that a cluster starts carries this variable; its containers do not. */
export const CLUSTER_VARIABLE = "SKIFF_CLUSTER";

const MARK = new RegExp(`\\0${CLUSTER_VARIABLE}=([^\\0]+)\\0`);

export type Role = "supervisor" | "server" | "agent" | "containerd" | "shim" | "other";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks from the machine's start; with the pid it names a process for good. */
  readonly startTicks: number;
  readonly role: Role;
  readonly command: readonly string[];
}

/** All processes of the cluster with this data dir, found in /proc: no file has to be believed. */
export function clusterProcesses(dataDir: string): readonly ProcessInfo[] {
  return runningClusters().get(dataDir) ?? [];
}

/** The processes of all clusters on this machine, by data dir. */
export function runningClusters(): ReadonlyMap<string, readonly ProcessInfo[]> {
  const clusters = new Map<string, ProcessInfo[]>();
  for (const pid of processIds()) {
    if (pid === process.pid) continue;
    const mark = MARK.exec(`\0${readProc(pid, "environ")}`)?.[1];
    const dataDir = mark === undefined ? undefined : Buffer.from(mark, "latin1").toString();
    const info = dataDir === undefined ? undefined : processInfo(pid);
    if (dataDir === undefined || info === undefined) continue;
    const known = clusters.get(dataDir);
    if (known === undefined) clusters.set(dataDir, [info]);
    else known.push(info);
  }
  return clusters;
}

/** The pids of other processes that have a file open. */
export function holdersOf(path: string): readonly number[] {
  const holds = (pid: number) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) => readLink(`/proc/${pid}/fd/${fd}`) === path);
    } catch {
      return false; // it has ended
    }
  };
  return processIds().filter((pid) => pid !== process.pid && holds(pid));
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Whether a process sees this process's network. */
export function sharesNetwork(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync("/proc/self/ns/net");
  } catch {
    return false;
  }
}

/** The direct children of these processes. */
export function childrenOf(parents: ReadonlySet<number>): readonly ProcessInfo[] {
  return processIds().flatMap((pid) => {
    const info = processInfo(pid);
    return info !== undefined && parents.has(info.parent) ? [info] : [];
  });
}

/** Parent, its parent, and so on. */
export function ancestorsOf({ parent }: ProcessInfo): readonly ProcessInfo[] {
  const info = parent === 0 ? undefined : processInfo(parent);
  return info === undefined ? [] : [info, ...ancestorsOf(info)];
}

export function processInfo(pid: number): ProcessInfo | undefined {
  const stat = parseStat(readProc(pid, "stat"));
  if (stat === undefined || stat.state === "Z") return undefined;
  const command = readProc(pid, "cmdline").split("\0").slice(0, -1);
  return { pid, parent: stat.parent, startTicks: stat.startTicks, command, role: roleOf(command) };
}

/** Whether that very process, and not a later one with its number, is still there. */
export function isAlive({ pid, startTicks }: Pick<ProcessInfo, "pid" | "startTicks">): boolean {
  const stat = parseStat(readProc(pid, "stat"));
  return stat !== undefined && stat.state !== "Z" && stat.startTicks === startTicks;
}

/** Sends a signal to those that are still there. */
export function signalAll(processes: readonly ProcessInfo[], signal: "SIGTERM" | "SIGKILL"): void {
  for (const info of processes) {
    if (!isAlive(info)) continue;
    try {
      process.kill(info.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Asks, waits up to `graceMs`, then kills. */
export async function endAll(processes: readonly ProcessInfo[], graceMs: number, clock: Clock): Promise<void> {
  signalAll(processes, "SIGTERM");
  if (await waitUntilGone(processes, graceMs, clock)) return;
  await killAll(processes, clock);
}

/** Kills, and waits until they are gone. */
export async function killAll(processes: readonly ProcessInfo[], clock: Clock): Promise<void> {
  signalAll(processes, "SIGKILL");
  await waitUntilGone(processes, KILLED_MS, clock);
}

const POLL_MS = 20;
/** A killed process is gone at once, unless the kernel holds it. */
const KILLED_MS = 1500;

/** @returns whether they are gone in time */
export async function waitUntilGone(processes: readonly ProcessInfo[], timeoutMs: number, clock: Clock): Promise<boolean> {
  const endMs = clock.monotonic() + timeoutMs;
  while (processes.some(isAlive)) {
    if (clock.monotonic() >= endMs) return false;
    await sleep(clock, POLL_MS);
  }
  return true;
}

export function roleOf(command: readonly string[]): Role {
  const words = command.map((word) => word.slice(word.lastIndexOf("/") + 1));
  if (words.slice(0, 2).includes("supervise")) return "supervisor";
  if (words[0] === "containerd") return "containerd";
  if (words[0]?.startsWith("containerd-shim")) return "shim";
  const verb = words.slice(1).find((word) => word === "server" || word === "agent");
  return verb === "server" || verb === "agent" ? verb : "other";
}

/** Of /proc/PID/stat; the name in brackets may hold anything. */
export function parseStat(stat: string): { readonly state: string; readonly parent: number; readonly startTicks: number } | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent] = fields;
  const startTicks = fields[19];
  return state === undefined || parent === undefined || startTicks === undefined
    ? undefined
    : { state, parent: Number(parent), startTicks: Number(startTicks) };
}

/** Byte by byte: an environment may hold anything. */
function readProc(pid: number, file: string): string {
  return processText(pid, file, "latin1");
}
