import type { Runtime } from "#kubelet/cri/runtime.ts";
import { CONTAINER_RUNNING, type ContainerSummary, type Sandbox } from "#kubelet/cri/types.ts";

import { LABEL } from "./labels.ts";
import { NOTHING_RUNS, runtimeContainer, type RuntimePod, runtimeSandbox, withContainer, withSandbox } from "./runtime-pod.ts";

/** What the runtime has, by pod uid: after a restart of the kubelet, pods go on as they were. */
export async function runtimePods(runtime: Runtime): Promise<ReadonlyMap<string, RuntimePod>> {
  const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes(), runtime.listContainers()]);
  const [sandboxStatuses, containerStatuses] = await Promise.all([
    Promise.all(sandboxes.map(({ id }) => runtime.podSandboxStatus(id))),
    Promise.all(containers.map(({ id }) => runtime.containerStatus(id))),
  ]);
  const pods = new Map<string, RuntimePod>();
  const change = (uid: string | undefined, how: (pod: RuntimePod) => RuntimePod) => {
    if (uid !== undefined) pods.set(uid, how(pods.get(uid) ?? NOTHING_RUNS));
  };
  for (const status of sandboxStatuses) {
    if (status !== undefined) change(status.labels[LABEL.podUid] ?? status.metadata.uid, (pod) => withSandbox(pod, runtimeSandbox(status)));
  }
  for (const status of containerStatuses) {
    if (status !== undefined) change(status.labels[LABEL.podUid], (pod) => withContainer(pod, runtimeContainer(status)));
  }
  return pods;
}

/** What lists of the runtime show, by pod uid; what carries none was not made by a kubelet, and is left alone. */
export type ListedPods = ReadonlyMap<string, { readonly sandboxes: readonly Sandbox[]; readonly containers: readonly ContainerSummary[] }>;

export async function listedPods(runtime: Runtime): Promise<ListedPods> {
  const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes(), runtime.listContainers()]);
  const uidOf = ({ labels }: Sandbox | ContainerSummary) => labels[LABEL.podUid] ?? "";
  const [sandboxesOf, containersOf] = [Map.groupBy(sandboxes, uidOf), Map.groupBy(containers, uidOf)];
  const uids = new Set([...sandboxesOf.keys(), ...containersOf.keys()].filter((uid) => uid !== ""));
  return new Map([...uids].map((uid) => [uid, { sandboxes: sandboxesOf.get(uid) ?? [], containers: containersOf.get(uid) ?? [] }]));
}

/** Stops and removes all that is left of a pod that no longer is. */
export async function removeOrphan(runtime: Runtime, { sandboxes, containers }: NonNullable<ReturnType<ListedPods["get"]>>): Promise<void> {
  for (const { id, state } of containers) if (state === CONTAINER_RUNNING) await runtime.stopContainer(id, 1);
  for (const { id } of sandboxes) await runtime.stopPodSandbox(id);
  for (const { id } of containers) await runtime.removeContainer(id);
  for (const { id } of sandboxes) await runtime.removePodSandbox(id);
}
