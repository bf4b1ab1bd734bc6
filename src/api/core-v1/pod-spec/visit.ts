import type * as core from "#api/core-v1/types.ts";
import type { FieldPath } from "#apimachinery/field-error.ts";

const LISTS = ["initContainers", "containers", "ephemeralContainers"] as const;

/** Calls `visit` for every container, in upstream's order; `at` builds its path when there is something to say. */
export function eachContainer(spec: core.PodSpec, path: FieldPath, visit: (container: core.Container, at: () => FieldPath) => void): void {
  for (const field of LISTS) {
    const containers: readonly core.Container[] | undefined = spec[field];
    if (!containers) continue;
    for (let i = 0; i < containers.length; i++) visit(containers[i]!, () => path.child(field).index(i));
  }
}
