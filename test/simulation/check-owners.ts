import type { KubeObject } from "#apimachinery/object.ts";

import { type Case, type Check, uidOf } from "./judge.ts";

const OWNERS = ["/registry/deployments/", "/registry/replicasets/"];
const DEPENDENTS = ["/registry/replicasets/", "/registry/pods/"];

/** An owner goes as its deletion asked: the orphaned are let go of first, and in the foreground those that block go first. */
export function ownersCheck({ disk, accuse }: Case): Check {
  const policies = new Map<string, "orphan" | "foregroundDeletion">();
  return {
    changed(change) {
      const { key } = change;
      if (!OWNERS.some((prefix) => key.startsWith(prefix))) return;
      const { object, before } = change;
      const uid = uidOf(object ?? before);
      if (object !== undefined) return note(uid, object);
      const policy = policies.get(uid);
      if (policy === undefined) return;
      const left = DEPENDENTS.flatMap((prefix) => disk.list(prefix)).filter((dependent) => isHeld(dependent, uid, policy));
      if (left.length > 0) accuse(`${key} is gone (${policy}), and still owns ${left.map(({ metadata }) => metadata.name).join(", ")}`);
    },
  };

  function note(uid: string, { metadata }: KubeObject): void {
    for (const policy of ["orphan", "foregroundDeletion"] as const) if (metadata.finalizers?.includes(policy)) policies.set(uid, policy);
  }
}

function isHeld({ metadata }: KubeObject, uid: string, policy: "orphan" | "foregroundDeletion"): boolean {
  return metadata.ownerReferences?.some((owner) => owner.uid === uid && (policy === "orphan" || owner.blockOwnerDeletion === true)) ?? false;
}
