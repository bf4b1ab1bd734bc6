import type { ContainerStatus, Pod } from "#api/core-v1/types.ts";
import { age, ageOf, hasCondition, NONE, type Cell } from "#apiserver/tables/cells.ts";

/** What one pass over a pod's containers finds. */
interface Summary {
  ready: number;
  restarts: number;
  /** Of the last termination before the current run; `""` when there was none. */
  lastRestart: string;
  reason: string;
}

export function podCells(pod: Pod, nowMs: number): Cell[] {
  const { spec, status = {} as NonNullable<Pod["status"]> } = pod;
  const sidecars = new Set((spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name));
  const { ready, restarts, lastRestart, reason } = summarize(pod, sidecars);
  const restartCell = restarts !== 0 && lastRestart !== "" ? `${restarts} (${age(lastRestart, nowMs)} ago)` : `${restarts}`;
  const total = (spec.containers ?? []).length + sidecars.size;
  const node = [status.podIPs?.[0]?.ip || NONE, spec.nodeName || NONE, status.nominatedNodeName || NONE];
  return [pod.metadata.name, `${ready}/${total}`, reason, restartCell, ageOf(pod, nowMs), ...node, readinessGates(pod)];
}

/** A row's conditions: kubectl leaves out completed pods by them. */
export function podRowConditions({ status }: Pod): readonly object[] | undefined {
  if (status?.phase !== "Succeeded" && status?.phase !== "Failed") return undefined;
  const message = status.phase === "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
  return [{ type: "Completed", status: "True", reason: status.phase, message }];
}

function summarize(pod: Pod, sidecars: ReadonlySet<string>): Summary {
  const { status } = pod;
  const initial: Summary = { ready: 0, restarts: 0, lastRestart: "", reason: status?.reason || (status?.phase ?? "") };
  if (status?.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated")) initial.reason = "SchedulingGated";
  const { summary: init, stopped } = initContainers(pod, sidecars, initial);
  const summary = stopped && !hasCondition(status?.conditions, "Initialized") ? init : mainContainers(pod, sidecars, init);
  return { ...summary, reason: deletionReason(pod) ?? summary.reason };
}

function deletionReason({ metadata, status }: Pod): string | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined;
  if (status?.reason === "NodeLost") return "Unknown";
  return status?.phase === "Succeeded" || status?.phase === "Failed" ? undefined : "Terminating";
}

/** Up to and with the init container that keeps the others waiting. */
function initContainers(pod: Pod, sidecars: ReadonlySet<string>, initial: Summary): { summary: Summary; stopped: boolean } {
  const summary = { ...initial };
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    addRestarts(summary, container);
    const { terminated } = container.state ?? {};
    if (terminated !== undefined && (terminated.exitCode ?? 0) === 0) continue;
    if (sidecars.has(container.name) && container.started) {
      if (container.ready) summary.ready++;
      continue;
    }
    summary.reason = `Init:${initReason(container, `${index}/${(pod.spec.initContainers ?? []).length}`)}`;
    return { summary, stopped: true };
  }
  return { summary, stopped: false };
}

function initReason({ state = {} }: ContainerStatus, progress: string): string {
  if (state.terminated !== undefined) return terminationReason(state.terminated);
  const waiting = state.waiting?.reason ?? "";
  return waiting !== "" && waiting !== "PodInitializing" ? waiting : progress;
}

function terminationReason({ reason, signal, exitCode }: NonNullable<NonNullable<ContainerStatus["state"]>["terminated"]>): string {
  if (reason) return reason;
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`;
}

function mainContainers({ status }: Pod, sidecars: ReadonlySet<string>, before: Summary): Summary {
  const summary: Summary = { ...before, restarts: 0, lastRestart: "" };
  for (const container of status?.initContainerStatuses ?? []) if (sidecars.has(container.name)) addRestarts(summary, container);
  let isRunning = false;
  let failure = "";
  // From the last to the first, so that the first container's reason wins.
  for (const container of [...(status?.containerStatuses ?? [])].reverse()) {
    addRestarts(summary, container);
    const { waiting, terminated, running } = container.state ?? {};
    if (waiting?.reason) {
      summary.reason = waiting.reason;
    } else if (terminated !== undefined) {
      summary.reason = terminationReason(terminated);
      if (terminated.exitCode) failure = summary.reason;
    } else if (container.ready && running !== undefined) {
      isRunning = true;
      summary.ready++;
    }
  }
  if (summary.reason !== "Completed") return summary;
  if (isRunning && hasCondition(status?.conditions, "Ready")) return { ...summary, reason: "Running" };
  return { ...summary, reason: failure || (isRunning ? "NotReady" : summary.reason) };
}

function addRestarts(summary: Summary, { restartCount, lastState }: ContainerStatus): void {
  summary.restarts += restartCount ?? 0;
  const finishedAt = lastState?.terminated?.finishedAt ?? "";
  if (finishedAt > summary.lastRestart) summary.lastRestart = finishedAt;
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const passed = gates.filter(({ conditionType }) => status?.conditions?.find(({ type }) => type === conditionType)?.status === "True");
  return `${passed.length}/${gates.length}`;
}
