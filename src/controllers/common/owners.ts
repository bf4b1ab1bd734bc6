import { apiVersionOf, type Resource } from "#api/resources.ts";
import type { OwnerReference } from "#apimachinery/meta-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { Client } from "#client/client.ts";
import type { IndexFunction } from "#client/informer.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { allDone } from "#lib/all-done.ts";

/** The reference that makes `owner` the controller of what carries it. */
export function controllerReference(resource: Resource, owner: KubeObject): OwnerReference {
  const { name, uid } = owner.metadata;
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, name, uid: uid!, controller: true, blockOwnerDeletion: true };
}

export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller);
}

/** Index of objects without a controller, by namespace. */
export const ORPHANS = {
  orphans: ((object) => (controllerOf(object) === undefined ? [object.metadata.namespace ?? ""] : [])) satisfies IndexFunction<KubeObject>,
};

export interface Claim<T extends KubeObject> {
  /** What the owner has once `adopt` and `release` are done. */
  readonly claimed: readonly T[];
  readonly adopt: readonly T[];
  readonly release: readonly T[];
}

/**
 * Sorts candidates by who owns them: matching orphans are taken in, owned ones that match no longer let go.
 *
 * @param matches whether a candidate's labels are as the owner's selector asks
 */
export function claim<T extends KubeObject>(owner: KubeObject, matches: (candidate: T) => boolean, candidates: readonly T[]): Claim<T> {
  const isLeaving = owner.metadata.deletionTimestamp !== undefined;
  const held = candidates.filter((candidate) => controllerOf(candidate)?.uid === owner.metadata.uid);
  const adopt = isLeaving
    ? []
    : candidates.filter((candidate) => controllerOf(candidate) === undefined && candidate.metadata.deletionTimestamp === undefined && matches(candidate));
  return { claimed: [...held.filter(matches), ...adopt], adopt, release: isLeaving ? [] : held.filter((candidate) => !matches(candidate)) };
}

/** Carries out what `claim` decided. A child that is gone meanwhile needs neither. */
export async function performClaim<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  reference: OwnerReference,
  { adopt, release }: Claim<T>,
): Promise<void> {
  const patch = ({ metadata }: T, ownerReference: object) =>
    client.patch(resource, metadata, "strategic", { metadata: { uid: metadata.uid, ownerReferences: [ownerReference] } }).catch(ignoreNotFound);
  await allDone([...adopt.map((child) => patch(child, reference)), ...release.map((child) => patch(child, { $patch: "delete", uid: reference.uid }))]);
}
