import type { OwnerReference } from "#apimachinery/meta-v1/types.ts";

interface Owned {
  readonly metadata: { readonly ownerReferences?: readonly OwnerReference[] | undefined };
}

/** The reference to the controller that manages `object`, if there is one. */
export function controllerOf(object: Owned): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

export function isControlledBy(object: Owned, owner: { readonly metadata: { readonly uid: string } }): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** A reference that makes `owner` the controller, and holds its deletion until the object is gone. */
export function controllerReference(
  owner: { readonly metadata: { readonly name: string; readonly uid: string } },
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
): OwnerReference {
  const { name, uid } = owner.metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}
