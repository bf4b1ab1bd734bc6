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
    changed({ key, object, before }) {
      if (before === undefined && DEPENDENTS.some((prefix) => key.startsWith(prefix))) births.set(uidOf(object), heardMs());
      if (object !== undefined && OWNERS.some((prefix) => key.startsWith(prefix))) note(uidOf(object), object);
    },
    /** It is the collector that lets an owner go; a user may change his mind, and then nothing is waited for. */
    asked({ verb, resource, namespace, name, body }) {
      const { finalizers } = (body as Partial<KubeObject> | undefined)?.metadata ?? {};
      const key = `/registry/${resource.plural}/${namespace}/${name}`;
      if (verb !== "patch" || finalizers === undefined || !OWNERS.some((prefix) => key.startsWith(prefix))) return;
      const uid = uidOf(disk.get(key));
      const deletion = policies.get(uid);
      if (deletion === undefined || finalizers.includes(deletion.policy)) return;
      const { policy, sinceMs } = deletion;
      const wasKnown = (dependent: KubeObject) => (births.get(uidOf(dependent)) ?? 0) < sinceMs - lagMs;
      const left = DEPENDENTS.flatMap((prefix) => disk.list(prefix)).filter((dependent) => isHeld(dependent, uid, policy) && wasKnown(dependent));
      if (left.length > 0) accuse(`${key} may go (${policy}), and still owns ${left.map(({ metadata }) => metadata.name).join(", ")}`);
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
