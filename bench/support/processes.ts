import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { clusterProcesses, type Role } from "#cli/processes.ts";

export interface Usage {
  readonly rssMb: number;
  /** Pages that processes share count by share. */
  readonly pssMb: number;
  readonly cpuMs: number;
}

export function usageOf(pid: number): Usage {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1] ?? Number.NaN) / 1024;
  return { rssMb: megabytes("Rss"), pssMb: megabytes("Pss"), cpuMs: cpuMsOf(pid) };
}

/** User and system time. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

const ticksPerSecond = Number(spawnSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).stdout) || 100;

/** @throws when the cluster does not have exactly one process of that role */
export function pidOf(dataDir: string, role: Role): number {
  const found = clusterProcesses(dataDir).filter((info) => info.role === role);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} processes are the ${role}`);
  return found[0].pid;
}
