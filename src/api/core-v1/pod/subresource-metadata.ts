import type { Pod } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { sameJson } from "#lib/same-json.ts";

/** Puts back the metadata that belongs to the object itself, not to a view of it. */
const KEPT = ["deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generation", "labels", "annotations", "ownerReferences", "selfLink"] as const;

export function keepMetadata({ metadata }: Mutable<Pod>, old: Pod): void {
  const target = metadata as Record<string, unknown>;
  for (const field of KEPT) {
    if (old.metadata[field] === undefined) delete target[field];
    else target[field] = old.metadata[field];
  }
}

/** The registry does so for the object itself only. */
export function raiseGeneration(pod: Mutable<Pod>, old: Pod): void {
  if (!sameJson(pod.spec, old.spec)) pod.metadata.generation = (old.metadata.generation ?? 0) + 1;
}
