import type { Mutable } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";

const KEPT = ["labels", "annotations", "finalizers", "ownerReferences"] as const;

/**
 * Of the metadata that comes with a new status nothing counts, for kinds that ask so.
 *
 * @see apimachinery pkg/apis/meta/v1/helpers.go, ResetObjectMetaForStatus
 */
export function resetMetadata({ metadata }: { readonly metadata: Mutable<KubeObject>["metadata"] }, old: KubeObject): void {
  for (const field of KEPT) {
    if (old.metadata[field] === undefined) delete metadata[field];
    else (metadata as Record<string, unknown>)[field] = old.metadata[field];
  }
}
