import type * as core from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

type Spec = Mutable<core.PodSpec>;

/**
 * Removes the fields of features that are off in this release, unless the stored object has them.
 *
 * @see kubernetes pkg/api/pod/util.go dropDisabledFields
 */
export function dropDisabledFields(spec: Spec | undefined, old?: core.PodSpec): void {
  if (!spec) return;
  for (const projection of ["clusterTrustBundle", "podCertificate"] as const) {
    if (!old || !usesProjection(old, projection)) dropProjection(spec, projection);
  }
  if (old?.workloadRef === undefined) delete spec.workloadRef;
  if (!old || !usesStopSignal(old)) dropStopSignals(spec);
}

type Projection = "clusterTrustBundle" | "podCertificate";

function usesProjection({ volumes = [] }: core.PodSpec, projection: Projection): boolean {
  return volumes.some(({ projected }) => projected?.sources?.some((source) => source[projection] !== undefined));
}

function dropProjection({ volumes }: Spec, projection: Projection): void {
  for (const { projected } of volumes ?? []) for (const source of projected?.sources ?? []) delete source[projection];
}

const CONTAINER_LISTS = ["initContainers", "containers", "ephemeralContainers"] as const;

function usesStopSignal(spec: core.PodSpec): boolean {
  return CONTAINER_LISTS.some((list) => spec[list]?.some(({ lifecycle }) => lifecycle?.stopSignal !== undefined));
}

function dropStopSignals(spec: Spec): void {
  for (const list of CONTAINER_LISTS) {
    for (const container of spec[list] ?? []) {
      if (container.lifecycle?.stopSignal === undefined) continue;
      delete container.lifecycle.stopSignal;
      if (!container.lifecycle.preStop && !container.lifecycle.postStart) delete container.lifecycle;
    }
  }
}
