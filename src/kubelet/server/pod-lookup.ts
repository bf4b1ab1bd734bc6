import type { ContainerStatus, Pod, PodStatus } from "#api/core-v1/types.ts";
import type { RuntimeContainer } from "#kubelet/pod/runtime-pod.ts";

/** What the node's API needs of the kubelet's core, which implements it. */
export interface PodLookup {
  /** All pods of this node. */
  pods(): readonly Pod[];
  podByName(namespace: string, name: string): Pod | undefined;
  /** The newest run of a container, or the one before it. */
  containerRun(pod: Pod, container: string, options?: { readonly previous?: boolean }): RuntimeContainer | undefined;
  /** The sandbox that holds the pod's network. */
  sandboxIdOf(pod: Pod): string | undefined;
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
export function hasContainer({ spec }: Pod, name: string): boolean {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])].some((container) => container.name === name);
}

/** @throws {HttpError} when the container does not run */
export function runningContainer(pods: PodLookup, pod: Pod, name: string): RuntimeContainer {
  const found = pods.containerRun(pod, name);
  if (found?.state !== "running") throw new HttpError(500, `container not found (${q(name)})`);
  return found;
}

/**
 * The run whose log is asked for.
 *
 * @returns the container's id in the runtime
 * @throws {HttpError} 400 when there is none, with upstream's reasons
 * @see pkg/kubelet/kubelet_pods.go validateContainerLogStatus
 */
export function containerOfLog(pods: PodLookup, pod: Pod, name: string, previous: boolean): string {
  const which = `container ${q(name)} in pod ${q(pod.metadata.name)}`;
  const refuse = (message: string) => new HttpError(400, message);
  const run = pods.containerRun(pod, name);
  // The runtime knows of a start before the status that our informer has tells of it.
  if (!previous && run?.state === "running") return run.id;
  const status = statusOf(pod.status, name);
  const last = status?.lastState?.terminated;
  if (previous) {
    const id = last?.containerID ? idOf(last.containerID) : pods.containerRun(pod, name, { previous: true })?.id;
    if (id === undefined) throw refuse(`previous terminated ${which} not found`);
    return id;
  }
  if (run?.state === "exited") return run.id;
  if (status === undefined) throw refuse(`${which} is not available`);
  const { waiting, running, terminated } = status.state ?? {};
  if (running !== undefined) return idOf(status.containerID ?? "");
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

const statusOf = (status: PodStatus | undefined, wanted: string): ContainerStatus | undefined =>
  [status?.containerStatuses, status?.initContainerStatuses, status?.ephemeralContainerStatuses]
    .flatMap((list) => list ?? [])
    .find(({ name }) => name === wanted);

/** `containerd://<id>` without its scheme. */
const idOf = (containerId: string): string => containerId.slice(containerId.indexOf("://") + "://".length);
