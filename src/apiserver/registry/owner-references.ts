import type { Mutable } from "#api/strategy.ts";
import type { OwnerReference } from "#apimachinery/meta-v1/types.ts";
import type { Draft } from "#apiserver/registry/write.ts";
import { sameJson } from "#apiserver/registry/write.ts";

/** Takes repeated owner references away, and tells the client. @param when what the warning says of the time */
export function dedupOwnerReferences({ metadata }: Draft, when: "sent" | "admitted", warn: (text: string) => void): void {
  const references = metadata?.ownerReferences;
  if (references === undefined || references === null || references.length < 2) return;
  const kept: Mutable<OwnerReference>[] = [];
  const repeated: string[] = [];
  for (const reference of references) {
    if (kept.some((other) => other.uid === reference.uid && sameJson(other, reference))) repeated.push(reference.uid);
    else kept.push(reference);
  }
  if (repeated.length === 0) return;
  const after = when === "admitted" ? " after mutating admission happens" : "";
  warn(
    `.metadata.ownerReferences contains duplicate entries${after}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; ` +
      `please fix your requests; duplicate UID(s) observed: ${repeated.join(", ")}`,
  );
  metadata.ownerReferences = kept;
}
