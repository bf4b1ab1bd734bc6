import { readdirSync, readFileSync } from "node:fs";

/** The processes of a pod's container, by a piece of their command line; the pod's uid stands in their cgroup. */
export function processesOfPod(uid: string, command: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => textOf(pid, "cgroup").includes(uid) && textOf(pid, "cmdline").replaceAll("\0", " ").includes(command));
}

function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}
