import type { KubeObject } from "#apimachinery/object.ts";

import { LAG_MS } from "./check-deployments.ts";
import { type Case, type Check, uidOf } from "./judge.ts";

const OWNERS = ["/registry/deployments/", "/registry/replicasets/"];
const DEPENDENTS = ["/registry/replicasets/", "/registry/pods/"];

type Policy = "orphan" | "foregroundDeletion";

/**
 * An owner goes as its deletion asked: the orphaned are let go of first, and in the foreground those that block go first. That cannot
 * be asked for what a controller made that had not heard of the deletion yet, as upstream cannot do it either.
 */
export function ownersCheck({ disk, accuse, heardMs, isRemote }: Case): Check {
  const lagMs = isRemote ? LAG_MS.remote : 0;
  const policies = new Map<string, { readonly policy: Policy; readonly sinceMs: number }>();
  const births = new Map<string, number>();
  return {
    changed(change) {
      const { key } = change;
      if (change.before === undefined && DEPENDENTS.some((prefix) => key.startsWith(prefix))) births.set(uidOf(change.object), heardMs());
      if (!OWNERS.some((prefix) => key.startsWith(prefix))) return;
      const { object, before } = change;
      const uid = uidOf(object ?? before);
      if (object !== undefined) return note(uid, object);
      const deletion = policies.get(uid);
      if (deletion === undefined) return;
      const { policy, sinceMs } = deletion;
      const wasKnown = (dependent: KubeObject) => (births.get(uidOf(dependent)) ?? 0) < sinceMs - lagMs;
      const left = DEPENDENTS.flatMap((prefix) => disk.list(prefix)).filter((dependent) => isHeld(dependent, uid, policy) && wasKnown(dependent));
      if (left.length > 0) accuse(`${key} is gone (${policy}), and still owns ${left.map(({ metadata }) => metadata.name).join(", ")}`);
    },
  };

  function note(uid: string, { metadata }: KubeObject): void {
    for (const policy of ["orphan", "foregroundDeletion"] as const) {
      if (metadata.finalizers?.includes(policy) && policies.get(uid)?.policy !== policy) policies.set(uid, { policy, sinceMs: heardMs() });
    }
  }
}

function isHeld({ metadata }: KubeObject, uid: string, policy: Policy): boolean {
  return metadata.ownerReferences?.some((owner) => owner.uid === uid && (policy === "orphan" || owner.blockOwnerDeletion === true)) ?? false;
}
