import { readlinkSync } from "node:fs";

import { processIds, processText } from "#lib/process-files.ts";

export interface Shim {
  readonly pid: number;
  /** Of the sandbox whose containers it holds. */
  readonly id: string;
}

/** The shims that serve the containerd at `socket`: they are told by it in their arguments. */
export function shimsOf(socket: string): Shim[] {
  return processIds().flatMap((pid) => {
    const words = processText(pid, "cmdline").split("\0");
    if (!words[0]?.includes("containerd-shim") || !words.includes(socket)) return [];
    return [{ pid, id: words[words.indexOf("-id") + 1] ?? "" }];
  });
}

/** Kills a process with all that it has started, those first that could start more. */
export function killTree(pid: number): void {
  const children = Map.groupBy(processIds(), parentOf);
  const kill = (parent: number) => {
    killProcess(parent);
    for (const child of children.get(parent) ?? []) kill(child);
  };
  kill(pid);
}

/** Kills a process that may have ended meanwhile. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Inodes of the network namespaces that processes are in. */
export function namespacesInUse(): ReadonlySet<number> {
  return new Set(processIds().flatMap((pid) => namespaceOf(pid) ?? []));
}

function namespaceOf(pid: number): number | undefined {
  try {
    return Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1]);
  } catch {
    return undefined; // it has ended
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(processText(pid, "status"))?.[1]);
}
