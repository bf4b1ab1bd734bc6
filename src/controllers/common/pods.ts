import { podCondition } from "#api/core-v1/pod/status.ts";
import type { Pod, PodTemplateSpec } from "#api/core-v1/types.ts";
import type { OwnerReference } from "#apimachinery/meta-v1/types.ts";
import type { Draft } from "#apimachinery/object.ts";

/** When a ready pod counts as available, in milliseconds since the epoch; `undefined` for one that is not ready. */
export function availableAtMs(pod: Pod, minReadySeconds: number): number | undefined {
  const ready = podCondition(pod, "Ready");
  if (ready?.status !== "True") return undefined;
  if (minReadySeconds === 0) return 0;
  return ready.lastTransitionTime ? Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 : undefined;
}

export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const atMs = availableAtMs(pod, minReadySeconds);
  return atMs !== undefined && atMs <= nowMs;
}

/** A pod as a controller makes it from a template. */
export function podFromTemplate(template: PodTemplateSpec, namespace: string, owner: OwnerReference): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      generateName: `${owner.name}-`,
      namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [owner],
    },
    spec: template.spec,
  } as Draft<Pod>;
}
