import { isSidecar } from "#api/core-v1/pod/resources.ts";
import type { ContainerStatus, Pod, PodCondition } from "#api/core-v1/types.ts";
import { formatTime } from "#lib/clock.ts";

import type { PodPhase } from "./phase.ts";

type Draft = Pick<PodCondition, "type" | "status" | "reason" | "message">;

/** The conditions that the kubelet owns; others in a pod's status are left as they are. */
export const KUBELET_CONDITIONS: readonly string[] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

export interface ConditionView {
  readonly pod: Pod;
  readonly phase: PodPhase;
  readonly initStatuses: readonly ContainerStatus[];
  readonly statuses: readonly ContainerStatus[];
  readonly sandboxReady: boolean;
  readonly nowMs: number;
}

/**
 * The pod's conditions in upstream's order, with transition times kept where the status stays.
 *
 * @see pkg/kubelet/status/generate.go
 */
export function podConditions(view: ConditionView): PodCondition[] {
  const containersReady = containersReadyCondition(view);
  const drafts: Draft[] = [
    { type: "PodReadyToStartContainers", status: view.sandboxReady ? "True" : "False" },
    initializedCondition(view),
    readyCondition(view, containersReady),
    containersReady,
    { type: "PodScheduled", status: "True" },
  ];
  return drafts.map((draft) => dated(draft, view));
}

function dated(draft: Draft, { pod, nowMs }: ConditionView): PodCondition {
  const old = pod.status?.conditions?.find(({ type }) => type === draft.type);
  const kept = old?.status === draft.status ? old.lastTransitionTime : undefined;
  const { generation } = pod.metadata;
  return {
    ...draft,
    ...(generation !== undefined && generation > 0 && { observedGeneration: generation }),
    lastProbeTime: null as never,
    lastTransitionTime: kept ?? formatTime(nowMs),
  };
}

function containersReadyCondition({ pod, phase, initStatuses, statuses }: ConditionView): Draft {
  const type = "ContainersReady";
  const byName = new Map([...initStatuses, ...statuses].map((status) => [status.name, status]));
  const watched = [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers].map(({ name }) => name);
  const unknown = watched.filter((name) => !byName.has(name));
  const unready = watched.filter((name) => byName.get(name)?.ready === false);
  if (phase === "Succeeded" && unknown.length === 0) return { type, status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { type, status: "False", reason: "PodFailed" };
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: [${unknown.join(" ")}]`] : []),
    ...(unready.length > 0 ? [`containers with unready status: [${unready.join(" ")}]`] : []),
  ];
  return messages.length > 0 ? { type, status: "False", reason: "ContainersNotReady", message: messages.join(", ") } : { type, status: "True" };
}

function readyCondition({ pod }: ConditionView, containersReady: Draft): Draft {
  if (containersReady.status !== "True") return { ...containersReady, type: "Ready" };
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (condition === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === "True" ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (messages.length === 0) return { type: "Ready", status: "True" };
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: messages.join(", ") };
}

function initializedCondition({ pod, phase, initStatuses, statuses }: ConditionView): Draft {
  const type = "Initialized";
  const inits = pod.spec.initContainers ?? [];
  if (inits.length === 0) return phase === "Succeeded" ? { type, status: "True", reason: "PodCompleted" } : { type, status: "True" };
  const byName = new Map(initStatuses.map((status) => [status.name, status]));
  const unknown = inits.filter(({ name }) => !byName.has(name)).map(({ name }) => name);
  const incomplete = inits.filter((container) => {
    const status = byName.get(container.name);
    return status !== undefined && !(isSidecar(container) ? status.started : status.ready);
  });
  if (phase === "Succeeded" && unknown.length === 0) return { type, status: "True", reason: "PodCompleted" };
  if (statuses.some(({ state, lastState }) => state.running !== undefined || state.terminated !== undefined || lastState.terminated !== undefined)) {
    return { type, status: "True" };
  }
  const messages = [
    ...(unknown.length > 0 ? [`containers with unknown status: [${unknown.join(" ")}]`] : []),
    ...(incomplete.length > 0 ? [`containers with incomplete status: [${incomplete.map(({ name }) => name).join(" ")}]`] : []),
  ];
  return messages.length > 0 ? { type, status: "False", reason: "ContainersNotInitialized", message: messages.join(", ") } : { type, status: "True" };
}
