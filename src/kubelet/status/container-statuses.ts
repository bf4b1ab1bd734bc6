import { isSidecar } from "#api/core-v1/pod/resources.ts";
import type { ContainerState, ContainerStatus, Pod } from "#api/core-v1/types.ts";
import { type ContainerKind, containersOf, type PodContainer, shouldStart } from "#kubelet/pod/containers.ts";
import { latestRun, type RuntimeContainer, type RuntimePod } from "#kubelet/pod/runtime-pod.ts";
import { formatTime } from "#lib/clock.ts";

/** Why a container does not start. */
export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

/** What probes have found of a run of a container. */
export interface ContainerHealth {
  readonly started: boolean;
  readonly ready: boolean;
}

export interface ContainerView {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  /** By container name; the last failure to start it. */
  readonly reasons: ReadonlyMap<string, WaitingReason>;
  health(container: PodContainer, containerId: string): ContainerHealth;
}

const UNKNOWN = "ContainerStatusUnknown";

/**
 * The statuses of a pod's containers of one kind.
 *
 * @see pkg/kubelet/kubelet_pods.go convertToAPIContainerStatuses
 */
export function containerStatuses(kind: ContainerKind, view: ContainerView): ContainerStatus[] {
  const { pod } = view;
  const list = kind === "main" ? "containerStatuses" : kind === "init" ? "initContainerStatuses" : "ephemeralContainerStatuses";
  const before = new Map((pod.status?.[list] ?? []).map((status) => [status.name, status]));
  const statuses = containersOf(pod)
    .filter((container) => container.kind === kind)
    .map((container) => containerStatus(container, before.get(container.spec.name), view));
  return kind === "init" ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function containerStatus(container: PodContainer, old: ContainerStatus | undefined, view: ContainerView): ContainerStatus {
  const { kind, spec } = container;
  const runs = view.runtime.containers.filter(({ name }) => name === spec.name);
  const latest = runs[0];
  let status = latest === undefined ? withoutRun(container, old, view.pod) : ofRun(container, latest, runs[1], old);
  const reason = view.reasons.get(spec.name);
  const done = kind === "init" && latest?.state === "exited" && latest.exitCode === 0;
  if (reason !== undefined && !done && shouldStart(spec, view.pod, latest, kind)) {
    const lastState = status.state.terminated === undefined ? status.lastState : status.state;
    status = { ...status, lastState, state: { waiting: { reason: reason.reason, ...(reason.message !== "" && { message: reason.message }) } } };
  }
  return withHealth(status, container, view);
}

function ofRun(container: PodContainer, run: RuntimeContainer, previous: RuntimeContainer | undefined, old: ContainerStatus | undefined): ContainerStatus {
  const { resources } = container.spec;
  const lastState = previous === undefined ? (run.restartCount > 0 ? keptLastState(old, run) : {}) : stateOf(previous);
  return {
    ...base(container),
    state: stateOf(run),
    lastState,
    restartCount: run.restartCount,
    image: run.image,
    imageID: run.imageRef,
    containerID: `containerd://${run.id}`,
    resources: resources ?? {},
    ...(resources?.requests !== undefined && { allocatedResources: resources.requests }),
  };
}

/** The last state of a run whose predecessor is gone from the runtime. */
function keptLastState(old: ContainerStatus | undefined, run: RuntimeContainer): ContainerState {
  if (old === undefined) return {};
  return old.restartCount < run.restartCount && old.state.terminated !== undefined ? old.state : old.lastState;
}

function withoutRun(container: PodContainer, old: ContainerStatus | undefined, pod: Pod): ContainerStatus {
  if (old?.state.terminated !== undefined) return old;
  const reason = (pod.spec.initContainers ?? []).length > 0 && container.kind !== "ephemeral" ? "PodInitializing" : "ContainerCreating";
  const waiting = { ...base(container), state: { waiting: { reason } } };
  if (old === undefined) return waiting;
  if (old.state.running === undefined) return { ...waiting, restartCount: old.restartCount, lastState: old.lastState };
  const message = "The container could not be located when the pod was deleted.  The container used to be Running";
  const lost = { terminated: { exitCode: 137, reason: UNKNOWN, message, startedAt: null, finishedAt: null } as never };
  const lastState = old.lastState.terminated === undefined ? lost : old.lastState;
  return { ...waiting, lastState, restartCount: old.restartCount + (pod.metadata.deletionTimestamp === undefined ? 1 : 0) };
}

function base({ spec }: PodContainer): ContainerStatus {
  const { name, image = "", volumeMounts = [] } = spec;
  const mounts = volumeMounts.map(({ name: volume, mountPath, readOnly }) => ({
    name: volume,
    mountPath,
    ...(readOnly && { readOnly, recursiveReadOnly: "Disabled" }),
  }));
  return {
    name,
    state: {},
    lastState: {},
    ready: false,
    restartCount: 0,
    image,
    imageID: "",
    ...(mounts.length > 0 && { volumeMounts: mounts }),
  };
}

function stateOf(run: RuntimeContainer): ContainerState {
  if (run.state === "running") return { running: { startedAt: formatTime(run.startedMs) } };
  if (run.state !== "exited") return { waiting: {} };
  return {
    terminated: {
      exitCode: run.exitCode,
      ...(run.reason !== "" && { reason: run.reason }),
      ...(run.message !== "" && { message: run.message }),
      startedAt: run.startedMs > 0 ? formatTime(run.startedMs) : (null as never),
      finishedAt: formatTime(run.finishedMs),
      containerID: `containerd://${run.id}`,
    },
  };
}

/** Adds `started` and `ready`, as upstream's prober manager does. */
function withHealth(status: ContainerStatus, container: PodContainer, { runtime, health }: ContainerView): ContainerStatus {
  const run = latestRun(runtime, container.spec.name);
  const running = status.state.running !== undefined && run !== undefined;
  const found = running ? health(container, run.id) : { started: false, ready: false };
  if (container.kind === "init" && !isSidecar(container.spec)) {
    const ready = status.state.terminated?.exitCode === 0;
    return { ...status, started: false, ready };
  }
  if (container.kind === "ephemeral") return status;
  return { ...status, started: found.started, ready: running && found.started && found.ready };
}
