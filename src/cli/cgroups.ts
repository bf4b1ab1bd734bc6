import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** v2's root, or each controller's of v1. */
export function cgroupHierarchies(): readonly string[] {
  const root = "/sys/fs/cgroup";
  return existsSync(root) ? [root, ...globSync(`${root}/*/`)] : [];
}

/**
 * The processes of a cluster's pods that are left, by their cgroups: those of pods that share the node's processes, which
 * do not end with their container's first one, or a runc that waits for ever since the start it served was cut off.
 */
export function podProcesses(cgroupRoot: string): readonly number[] {
  const lists = cgroupHierarchies().flatMap((hierarchy) => globSync(join(hierarchy, cgroupRoot, "**/cgroup.procs")));
  return [...new Set(lists.flatMap(pidsIn))];
}

function pidsIn(file: string): readonly number[] {
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number);
  } catch {
    return []; // the cgroup has gone meanwhile
  }
}
