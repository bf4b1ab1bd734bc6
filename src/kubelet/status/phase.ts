import { isSidecar } from "#api/core-v1/pod/resources.ts";
import type { ContainerStatus, Pod } from "#api/core-v1/types.ts";
import { restartsAfter } from "#kubelet/pod/containers.ts";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

/**
 * The phase that follows from the containers' states.
 *
 * @param terminal whether nothing is going to be started any more
 * @param initialized whether main containers have ever been started
 * @see pkg/kubelet/kubelet_pods.go getPhase
 */
export function podPhase(pod: Pod, statuses: readonly ContainerStatus[], terminal: boolean, initialized: boolean): PodPhase {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const init = countInit(pod, byName);
  if (init.failedForGood > 0) return "Failed";
  const main = countMain(pod, byName);
  const sidecars = countSidecars(pod, byName);
  if (init.pending > 0 || (sidecars.pending > 0 && !initialized) || main.waiting + sidecars.waiting > 0) return "Pending";
  const running = main.running + sidecars.running;
  const unknown = main.unknown + sidecars.unknown;
  if (unknown > 0) return "Pending";
  if (running > 0) return "Running";
  if (main.stopped === 0) return "Pending";
  if (!terminal && main.restartable > 0) return "Running";
  return main.stopped === main.succeeded ? "Succeeded" : "Failed";
}

type Statuses = ReadonlyMap<string, ContainerStatus>;

function countInit(pod: Pod, statuses: Statuses): { pending: number; failedForGood: number } {
  let pending = 0;
  let failedForGood = 0;
  for (const container of pod.spec.initContainers ?? []) {
    if (isSidecar(container)) continue;
    const status = statuses.get(container.name);
    const ended = status?.state.terminated ?? (status?.state.waiting !== undefined ? status.lastState.terminated : undefined);
    if (ended === undefined) pending++;
    else if (ended.exitCode !== 0 && !restartsAfter(container, pod, ended.exitCode, "init")) failedForGood++;
  }
  return { pending, failedForGood };
}

function countSidecars(pod: Pod, statuses: Statuses) {
  const counts = { pending: 0, running: 0, waiting: 0, unknown: 0 };
  for (const container of (pod.spec.initContainers ?? []).filter(isSidecar)) {
    const status = statuses.get(container.name);
    if (status === undefined) counts.unknown++;
    else if (status.state.running !== undefined) {
      counts.running++;
      if (!status.started) counts.pending++;
    } else if (status.state.waiting !== undefined && status.lastState.terminated === undefined) {
      counts.pending++;
      counts.waiting++;
    }
  }
  return counts;
}

function countMain(pod: Pod, statuses: Statuses) {
  const counts = { running: 0, waiting: 0, unknown: 0, stopped: 0, succeeded: 0, restartable: 0 };
  for (const container of pod.spec.containers) {
    const status = statuses.get(container.name);
    const ended = status?.state.terminated ?? (status?.state.waiting !== undefined ? status.lastState.terminated : undefined);
    if (status === undefined) counts.unknown++;
    else if (status.state.running !== undefined) counts.running++;
    else if (ended !== undefined) {
      counts.stopped++;
      if (restartsAfter(container, pod, ended.exitCode)) counts.restartable++;
      if (status.state.terminated?.exitCode === 0) counts.succeeded++;
    } else if (status.state.waiting !== undefined) counts.waiting++;
    else counts.unknown++;
  }
  return counts;
}
