import type * as core from "#api/core-v1/types.ts";
import type { Mutable, SubresourceStrategy } from "#api/strategy.ts";
import { FieldPath } from "#apimachinery/field-error.ts";
import { ipWarnings } from "#apimachinery/validation/ip.ts";

import { validatePodStatusUpdate } from "./validate-status.ts";

/** What the kubelet reports. */
export const podStatusStrategy: SubresourceStrategy<core.Pod> = {
  prepareForUpdate,
  validateUpdate: validatePodStatusUpdate,
  warningsOnUpdate,
};

function prepareForUpdate(pod: Mutable<core.Pod>, old: core.Pod): void {
  pod.spec = old.spec as Mutable<core.PodSpec>;
  // Old kubelets damaged these in a way that broke garbage collection.
  if (old.metadata.ownerReferences === undefined) delete pod.metadata.ownerReferences;
  else pod.metadata.ownerReferences = old.metadata.ownerReferences as Mutable<typeof old.metadata.ownerReferences>;
  const status = (pod.status ??= {});
  if (!status.qosClass && old.status.qosClass !== undefined) status.qosClass = old.status.qosClass;
  keepObservedGenerations(status, old.status);
  dropDisabledStatus(status, old.status);
}

/** A client that does not know of these does not clear them. Types may occur twice, hence the lists. */
function keepObservedGenerations(status: Mutable<core.PodStatus>, old: core.PodStatus): void {
  if (!status.observedGeneration && old.observedGeneration) status.observedGeneration = old.observedGeneration;
  const known = new Map<string, (number | undefined)[]>();
  for (const { type, observedGeneration } of old.conditions ?? []) known.set(type, [...(known.get(type) ?? []), observedGeneration]);
  for (const condition of status.conditions ?? []) {
    const before = known.get(condition.type)?.shift();
    if (!condition.observedGeneration && before) condition.observedGeneration = before;
  }
}

/** Fields of features that are off. */
function dropDisabledStatus(status: Mutable<core.PodStatus>, old: core.PodStatus): void {
  if (!old.resources && !old.allocatedResources) {
    delete status.resources;
    delete status.allocatedResources;
  }
  if (!old.extendedResourceClaimStatus) delete status.extendedResourceClaimStatus;
  for (const list of [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses]) {
    for (const container of list ?? []) delete container.allocatedResourcesStatus;
  }
}

const STATUS = new FieldPath("status");

function warningsOnUpdate({ status }: core.Pod): string[] {
  const warnings: string[] = [];
  for (const field of ["podIPs", "hostIPs"] as const) {
    for (const [i, { ip }] of (status[field] ?? []).entries()) warnings.push(...ipWarnings(ip, STATUS.child(field).index(i).child("ip")));
  }
  return warnings;
}
