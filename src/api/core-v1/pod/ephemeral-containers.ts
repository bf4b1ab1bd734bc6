import type { Pod } from "#api/core-v1/types.ts";
import type { Mutable, SubresourceStrategy } from "#api/strategy.ts";
import { type FieldError, fieldError } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

import { MIRROR_POD } from "../pod-spec/annotations.ts";
import { dropDisabledFields } from "../pod-spec/drop-disabled.ts";
import { goDiff } from "./spec-diff.ts";
import { keepMetadata, raiseGeneration } from "./subresource-metadata.ts";
import { SPEC, validatePodAsSuch } from "./validate.ts";
import { podUpdateOptions, validateAnnotationUpdate } from "./validate-update.ts";

/** Containers for debugging may be added to a pod, and nothing else. */
export const ephemeralContainersStrategy: SubresourceStrategy<Pod> = { prepareForUpdate, validateUpdate };

function prepareForUpdate(pod: Mutable<Pod>, old: Pod): void {
  const { ephemeralContainers } = pod.spec;
  keepMetadata(pod, old);
  pod.status = old.status as Mutable<Pod>["status"];
  pod.spec = { ...(old.spec as Mutable<Pod>["spec"]), ephemeralContainers };
  if (!ephemeralContainers) delete pod.spec.ephemeralContainers;
  else dropDisabledFields({ containers: [], ephemeralContainers }, old.spec);
  raiseGeneration(pod, old);
}

function validateUpdate(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata.annotations?.[MIRROR_POD] !== undefined) {
    return [{ ...fieldError.forbidden(SPEC, "static pods do not support ephemeral containers"), field: "[]" }];
  }
  const errors: FieldError[] = [];
  const options = podUpdateOptions(old);
  validatePodAsSuch(errors, pod, options);
  validateAnnotationUpdate(errors, pod, old, options);
  const path = SPEC.child("ephemeralContainers");
  for (const before of old.spec.ephemeralContainers ?? []) {
    const now = pod.spec.ephemeralContainers?.findLast(({ name }) => name === before.name);
    const subject = `existing ephemeral containers ${JSON.stringify(before.name)}`;
    if (!now) errors.push(fieldError.forbidden(path, `${subject} may not be removed\n`));
    else if (!sameJson(before, now)) {
      errors.push(fieldError.forbidden(path, `${subject} may not be changed\n${goDiff("EphemeralContainer", before, now)}`));
    }
  }
  return errors;
}
