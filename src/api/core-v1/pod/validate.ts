import type { Pod, PodSpec } from "#api/core-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";

import { checkAnnotationsMatch, validatePodAnnotations } from "../pod-spec/annotations.ts";
import type { Errors } from "../pod-spec/checks.ts";
import { createOptions, type PodSpecOptions } from "../pod-spec/options.ts";
import { checkImagePadding } from "../pod-spec/validate-containers.ts";
import { validatePodSpec } from "../pod-spec/validate-pod-spec.ts";

export const METADATA = new FieldPath("metadata");
export const SPEC = new FieldPath("spec");
export const ANNOTATIONS = METADATA.child("annotations");

/** @see kubernetes pkg/apis/core/validation/validation.go ValidatePodCreate */
export function validatePodCreate(pod: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = pod;
  validatePodAsSuch(errors, pod, createOptions(true));
  if (spec.ephemeralContainers?.length) errors.push(fieldError.forbidden(SPEC.child("ephemeralContainers"), "cannot be set on create"));
  if (spec.nodeName && spec.schedulingGates?.length) {
    errors.push(fieldError.forbidden(SPEC.child("nodeName"), "cannot be set until all schedulingGates have been cleared"));
  }
  checkAnnotationsMatch(errors, pod.metadata.annotations, spec, SPEC);
  return errors;
}

/** What holds for any pod, new or changed. */
export function validatePodAsSuch(errors: Errors, pod: Pod, options: PodSpecOptions): void {
  const { metadata, spec } = pod;
  validatePodAnnotations(errors, metadata.annotations, spec, options, ANNOTATIONS);
  validatePodSpec(errors, spec, metadata, options, SPEC);
  if (!spec.serviceAccountName) checkNoTokens(errors, spec);
  for (const list of ["containers", "initContainers"] as const) {
    for (const [i, container] of (spec[list] ?? []).entries()) checkImagePadding(errors, container, SPEC.child(list).index(i));
  }
}

function checkNoTokens(errors: Errors, { volumes = [] }: PodSpec): void {
  for (const [i, { projected }] of volumes.entries()) {
    for (const [j, { serviceAccountToken }] of (projected?.sources ?? []).entries()) {
      if (!serviceAccountToken) continue;
      const path = SPEC.child("volumes").index(i).child("projected", "sources").index(j).child("serviceAccountToken");
      errors.push(fieldError.forbidden(path, "must not be specified when serviceAccountName is not set"));
    }
  }
}
