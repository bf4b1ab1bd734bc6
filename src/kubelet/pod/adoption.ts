import type { Runtime } from "#kubelet/cri/runtime.ts";

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

/** Stops and removes all that is left of a pod that no longer is. */
export async function removeOrphan(runtime: Runtime, { sandboxes, containers }: RuntimePod): Promise<void> {
  for (const { id, state } of containers) if (state === "running") await runtime.stopContainer(id, 1);
  for (const { id } of sandboxes) await runtime.stopPodSandbox(id);
  for (const { id } of containers) await runtime.removeContainer(id);
  for (const { id } of sandboxes) await runtime.removePodSandbox(id);
}
