import type { DeviceClaim, DeviceClass, ResourceClaim, ResourceClaimTemplate } from "#api/resource-v1/types.ts";
import type { Errors } from "#api/core-v1/pod-spec/checks.ts";
import { type FieldError, FieldPath } from "#apimachinery/field-error.ts";

import { checkSelectorExpressions } from "./device-selectors.ts";

const SPEC = new FieldPath("spec");

/** What is wrong with the expressions by which a class selects devices. */
export function classExpressionErrors({ spec }: DeviceClass): FieldError[] {
  const errors: Errors = [];
  checkSelectorExpressions(errors, spec.selectors, SPEC.child("selectors"));
  return errors;
}

export function claimExpressionErrors({ spec }: ResourceClaim): FieldError[] {
  return errorsOf(spec.devices, SPEC.child("devices"));
}

export function templateExpressionErrors({ spec }: ResourceClaimTemplate): FieldError[] {
  return errorsOf(spec.spec?.devices, SPEC.child("spec", "devices"));
}

function errorsOf(claim: DeviceClaim | null | undefined, path: FieldPath): FieldError[] {
  const errors: Errors = [];
  for (const [i, { exactly, firstAvailable }] of (claim?.requests ?? []).entries()) {
    const at = path.child("requests").index(i);
    checkSelectorExpressions(errors, exactly?.selectors, at.child("exactly", "selectors"));
    for (const [j, { selectors }] of (firstAvailable ?? []).entries())
      checkSelectorExpressions(errors, selectors, at.child("firstAvailable").index(j).child("selectors"));
  }
  return errors;
}
