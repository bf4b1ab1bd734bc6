import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from "#api/builtin.ts";
import type { Resource } from "#api/resources.ts";
import { keyOf, type KubeObject, type ObjectKey } from "#apimachinery/object.ts";
import type { Client } from "#client/client.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { CLAIM_FINALIZER, claimKeysOf, finalizersFor, isBound, mayRelease, usesClaim, VOLUME_FINALIZER } from "#controllers/volumeprotection/reconcile.ts";

const BY_CLAIM = { claim: claimKeysOf };

/** Keeps claims while pods use them. */
export function startClaimProtection(deps: ControllerDeps): void {
  const { client, informers } = deps;
  const claims = informers.informer(PERSISTENT_VOLUME_CLAIMS);
  const pods = informers.informer(PODS, BY_CLAIM);
  const sync = async (key: ObjectKey) => {
    const claim = claims.get(key);
    if (claim === undefined) return;
    const cached = finalizersFor(claim, CLAIM_FINALIZER, () => pods.byIndex("claim", key).some((pod) => usesClaim(pod, claim)));
    if (cached === undefined) return;
    // To let go cannot be taken back: only the API's own word counts, as our cache may lag behind it.
    const live = claim.metadata.deletionTimestamp === undefined ? [] : (await client.list(PODS, { namespace: claim.metadata.namespace ?? "" })).items;
    const finalizers = finalizersFor(claim, CLAIM_FINALIZER, () => live.some((pod) => usesClaim(pod, claim)));
    if (finalizers !== undefined) await write(client, PERSISTENT_VOLUME_CLAIMS, claim, finalizers);
  };
  const queue = queueFor(deps, { name: "claimprotection", sync });
  const enqueue = (claim: KubeObject) => queue.add(keyOf(claim));
  claims.onChange({ added: enqueue, updated: enqueue });
  pods.onChange({
    added: (pod) => {
      if (mayRelease(pod)) claimKeysOf(pod).forEach((key) => queue.add(key));
    },
    updated: (pod) => {
      if (mayRelease(pod)) claimKeysOf(pod).forEach((key) => queue.add(key));
    },
    deleted: (pod) => claimKeysOf(pod).forEach((key) => queue.add(key)),
  });
}

/** Keeps volumes while claims are bound to them. */
export function startVolumeProtection(deps: ControllerDeps): void {
  const volumes = deps.informers.informer(PERSISTENT_VOLUMES);
  const sync = async (key: ObjectKey) => {
    const volume = volumes.get(key);
    if (volume === undefined) return;
    const finalizers = finalizersFor(volume, VOLUME_FINALIZER, () => isBound(volume));
    if (finalizers !== undefined) await write(deps.client, PERSISTENT_VOLUMES, volume, finalizers);
  };
  const queue = queueFor(deps, { name: "volumeprotection", sync });
  const enqueue = (volume: KubeObject) => queue.add(keyOf(volume));
  volumes.onChange({ added: enqueue, updated: enqueue });
}

/** A conflict is thrown, and the next sync sees the newer object. */
async function write<T extends KubeObject>(client: Client, resource: Resource<T>, object: T, finalizers: readonly string[]): Promise<void> {
  const { finalizers: _before, ...metadata } = object.metadata;
  const next = { ...object, metadata: { ...metadata, ...(finalizers.length > 0 && { finalizers }) } };
  await client.update(resource, next).catch(ignoreNotFound);
}
