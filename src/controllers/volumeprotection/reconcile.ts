import { isPodFinished } from "#api/core-v1/pod/status.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from "#api/core-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { controllerOf } from "#controllers/common/owners.ts";

export const CLAIM_FINALIZER = "kubernetes.io/pvc-protection";
export const VOLUME_FINALIZER = "kubernetes.io/pv-protection";

/**
 * The finalizers that an object ought to have; `undefined` when they are right.
 *
 * @param isUsed asked only where it matters: of one that is being deleted
 */
export function finalizersFor({ metadata }: KubeObject, finalizer: string, isUsed: () => boolean): readonly string[] | undefined {
  const { finalizers = [], deletionTimestamp } = metadata;
  const isHeld = finalizers.includes(finalizer);
  if (deletionTimestamp === undefined) return isHeld ? undefined : [...finalizers, finalizer];
  return isHeld && !isUsed() ? finalizers.filter((name) => name !== finalizer) : undefined;
}

export function isBound({ status }: PersistentVolume): boolean {
  return status?.phase === "Bound";
}

/** Whether a pod keeps a claim: one without a node does not, for no kubelet would start it with a claim that is leaving. */
export function usesClaim(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if (!pod.spec.nodeName || pod.metadata.namespace !== claim.metadata.namespace) return false;
  return (pod.spec.volumes ?? []).some((volume) => {
    if (claimNameOf(pod, volume) !== claim.metadata.name) return false;
    return volume.persistentVolumeClaim !== undefined || (!isShutDown(pod) && controllerOf(claim)?.uid === pod.metadata.uid);
  });
}

/** Keys of the claims that a pod's volumes name, ephemeral ones included. */
export function claimKeysOf(pod: Pod): readonly string[] {
  const names = (pod.spec.volumes ?? []).map((volume) => claimNameOf(pod, volume)).filter((name) => name !== undefined);
  return names.map((name) => `${pod.metadata.namespace}/${name}`);
}

/** Whether a pod's present state can be what lets a claim go. */
export function mayRelease(pod: Pod): boolean {
  return !pod.spec.nodeName || isPodFinished(pod) || isShutDown(pod);
}

function claimNameOf({ metadata }: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim !== undefined) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral === undefined ? undefined : `${metadata.name}-${volume.name}`;
}

/** Nothing of it runs any more, though a finalizer may keep the object. */
function isShutDown({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 0;
}
