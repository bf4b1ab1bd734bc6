import {
  CONTAINER_CREATED,
  CONTAINER_EXITED,
  CONTAINER_RUNNING,
  type ContainerStatus as CriContainerStatus,
  SANDBOX_READY,
  type SandboxStatus,
} from "#kubelet/cri/types.ts";
import { LABEL } from "./labels.ts";

export type ContainerState = "created" | "running" | "exited" | "unknown";

/** One run of a container, as the runtime tells it. Times are milliseconds since the epoch, 0 when not reached. */
export interface RuntimeContainer {
  readonly id: string;
  readonly name: string;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly createdMs: number;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly image: string;
  readonly imageRef: string;
  /** Hash of the part of the spec whose change asks for a new container; see `containerHash()`. */
  readonly hash: string;
  readonly logPath: string;
}

export interface RuntimeSandbox {
  readonly id: string;
  readonly ready: boolean;
  readonly attempt: number;
  readonly createdMs: number;
  /** Empty for pods in the host's network. */
  readonly ips: readonly string[];
}

/** What the runtime has of one pod; newest first. */
export interface RuntimePod {
  readonly sandboxes: readonly RuntimeSandbox[];
  readonly containers: readonly RuntimeContainer[];
}

export const NOTHING_RUNS: RuntimePod = { sandboxes: [], containers: [] };

const MS_PER_NS = 1e-6;

export function runtimeContainer(status: CriContainerStatus, message = status.message): RuntimeContainer {
  return {
    id: status.id,
    name: status.labels[LABEL.containerName] ?? status.metadata.name,
    restartCount: Number(status.annotations[LABEL.restartCount] ?? status.metadata.attempt),
    state: containerState(status.state),
    createdMs: status.createdAt * MS_PER_NS,
    startedMs: status.startedAt * MS_PER_NS,
    finishedMs: status.finishedAt * MS_PER_NS,
    exitCode: status.exitCode,
    reason: status.reason,
    message,
    image: status.image?.image ?? "",
    imageRef: status.imageRef,
    hash: status.annotations[LABEL.containerHash] ?? "",
    logPath: status.logPath,
  };
}

export function runtimeSandbox(status: SandboxStatus): RuntimeSandbox {
  const { ip = "", additionalIps = [] } = status.network ?? {};
  return {
    id: status.id,
    ready: status.state === SANDBOX_READY,
    attempt: status.metadata.attempt,
    createdMs: status.createdAt * MS_PER_NS,
    ips: [ip, ...additionalIps.map((more) => more.ip)].filter((address) => address !== ""),
  };
}

/** @param state as CRI counts them */
export function containerState(state: number): ContainerState {
  if (state === CONTAINER_CREATED) return "created";
  if (state === CONTAINER_RUNNING) return "running";
  return state === CONTAINER_EXITED ? "exited" : "unknown";
}

/** The newest run of the container `name`. */
export function latestRun({ containers }: RuntimePod, name: string): RuntimeContainer | undefined {
  return containers.find((container) => container.name === name);
}

/** `pod` with `container` put in its place. */
export function withContainer(pod: RuntimePod, container: RuntimeContainer): RuntimePod {
  const others = pod.containers.filter(({ id }) => id !== container.id);
  return { ...pod, containers: [...others, container].sort((a, b) => b.createdMs - a.createdMs || b.restartCount - a.restartCount) };
}

export function withoutContainer(pod: RuntimePod, id: string): RuntimePod {
  return { ...pod, containers: pod.containers.filter((container) => container.id !== id) };
}

export function withSandbox(pod: RuntimePod, sandbox: RuntimeSandbox): RuntimePod {
  const others = pod.sandboxes.filter(({ id }) => id !== sandbox.id);
  return { ...pod, sandboxes: [...others, sandbox].sort((a, b) => b.createdMs - a.createdMs || b.attempt - a.attempt) };
}

export function withoutSandbox(pod: RuntimePod, id: string): RuntimePod {
  return { ...pod, sandboxes: pod.sandboxes.filter((sandbox) => sandbox.id !== id) };
}
