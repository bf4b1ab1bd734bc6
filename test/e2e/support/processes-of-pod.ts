import { processIds, processText } from "#lib/process-files.ts";

/** The processes of a pod's container, by a piece of their command line; the pod's uid stands in their cgroup. */
export function processesOfPod(uid: string, command: string): number[] {
  return processIds().filter((pid) => processText(pid, "cgroup").includes(uid) && processText(pid, "cmdline").replaceAll("\0", " ").includes(command));
}
