import type { ContainerStatus, Pod, PodStatus } from "#api/core-v1/types.ts";
import type { RuntimeContainer, RuntimePod } from "#kubelet/pod/runtime-pod.ts";

/** A pod of this node as the kubelet's core knows it. */
export interface PodView {
  readonly pod: Pod;
  /** The newest one, which the API server may not have yet. */
  readonly status: PodStatus;
  readonly runtime: RuntimePod;
}

/** What the kubelet's API needs of its core. */
export interface PodLookup {
  find(namespace: string, name: string): PodView | undefined;
  /** All pods, with their newest status. */
  list(): readonly Pod[];
}

/** Ends a request with plain text, as upstream's kubelet does. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const q = (text: string) => JSON.stringify(text);

/** Whether the pod's spec has the container. */
export function hasContainer({ pod: { spec } }: PodView, name: string): boolean {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].some((container) => container.name === name);
}

/** @throws {HttpError} when the container does not run */
export function runningContainer({ runtime }: PodView, name: string): RuntimeContainer {
  const found = runtime.containers.find((container) => container.name === name);
  if (found === undefined || found.state !== "running") throw new HttpError(500, `container not found (${q(name)})`);
  return found;
}

/**
 * The run whose log is asked for.
 *
 * @returns the container's id in the runtime
 * @throws {HttpError} 400 when there is none, with upstream's reasons
 * @see pkg/kubelet/kubelet_pods.go validateContainerLogStatus
 */
export function containerOfLog({ pod, status }: PodView, name: string, previous: boolean): string {
  const which = `container ${q(name)} in pod ${q(pod.metadata.name ?? "")}`;
  const refuse = (message: string) => new HttpError(400, message);
  const found = statusOf(status, name);
  if (found === undefined) throw refuse(`${which} is not available`);
  const { waiting, running, terminated } = found.state ?? {};
  const last = found.lastState?.terminated;
  if (previous) {
    if (!last?.containerID) throw refuse(`previous terminated ${which} not found`);
    return idOf(last.containerID);
  }
  if (running !== undefined) return idOf(found.containerID ?? "");
  if (terminated !== undefined || last !== undefined) {
    const id = terminated?.containerID || last?.containerID;
    if (!id) throw refuse(`${which} is terminated`);
    return idOf(id);
  }
  if (waiting === undefined) throw refuse(`${which} is waiting to start - no logs yet`);
  throw refuse(`${which} is waiting to start: ${WAITING[waiting.reason ?? ""] ?? waiting.reason ?? ""}`);
}

const WAITING: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: "trying and failing to pull image",
};

const statusOf = (status: PodStatus, wanted: string): ContainerStatus | undefined =>
  [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses].flatMap((list) => list ?? []).find(({ name }) => name === wanted);

/** `containerd://<id>` without its scheme. */
const idOf = (containerId: string): string => containerId.slice(containerId.indexOf("://") + "://".length);
