import { getOwn } from "#apimachinery/decode/own.ts";
import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { compareQuantities, formatQuantity, parseQuantity } from "#apimachinery/quantity.ts";

import { containerTotals } from "../pod/resources.ts";
import { type Errors, sortedEntries } from "./checks.ts";
import { compareQuantities as compareTexts, quantityText } from "./quantities.ts";
import { isHugePages, type ResourceOptions, validatePodLevelResources } from "./validate-resources.ts";

/** What is asked for the pod as a whole, and that it holds what its containers ask for. */
export function validatePodResources(
  errors: Errors,
  spec: core.PodSpec,
  resources: core.ResourceRequirements,
  options: ResourceOptions,
  parent: FieldPath,
): void {
  const path = parent.child("resources");
  if (spec.os?.name === "windows") return void errors.push(fieldError.forbidden(path, "may not be set for a windows pod"));
  if (resources.claims) errors.push(fieldError.forbidden(path.child("claims"), "claims may not be set for Resources at pod-level"));
  validatePodLevelResources(errors, resources, options, path);
  checkTotals(errors, spec, resources, path);
  for (const [i, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of sortedEntries(container.resources?.limits)) {
      const podLimit = getOwn(resources.limits ?? {}, name);
      if (podLimit === undefined || compareTexts(limit, podLimit) <= 0) continue;
      const at = path.child("containers").index(i).key(name).child("limits");
      errors.push(fieldError.invalid(at, quantityText(limit), `must be less than or equal to pod limits of ${quantityText(podLimit)}`));
    }
  }
}

function checkTotals(errors: Errors, spec: core.PodSpec, resources: core.ResourceRequirements, path: FieldPath): void {
  for (const kind of ["requests", "limits"] as const) {
    const totals = [...containerTotals(spec, kind)].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, total] of totals) {
      const own = getOwn(resources[kind] ?? {}, name);
      if (own === undefined || (kind === "limits" && !isHugePages(name)) || compareQuantities(total, parseQuantity(own)) <= 0) continue;
      const detail = `must be greater than or equal to aggregate container ${kind} of ${formatQuantity(total)}`;
      errors.push(fieldError.invalid(path.child(kind).key(name), quantityText(own), detail));
    }
  }
}
