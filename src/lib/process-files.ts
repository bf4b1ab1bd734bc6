import { readdirSync, readFileSync } from "node:fs";

/** All processes of this machine, as far as we see them. */
export function processIds(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** What the kernel tells of a process in one of its files, such as `cmdline`; empty when it is gone, or not ours to see. */
export function processText(pid: number, file: string, encoding: "utf8" | "latin1" = "utf8"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, encoding);
  } catch {
    return "";
  }
}
