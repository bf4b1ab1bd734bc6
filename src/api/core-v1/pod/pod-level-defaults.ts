import type * as core from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

export function defaultPodLevelResources(spec: Mutable<core.PodSpec>): void {
  if (spec.resources === undefined) return;
}
