import { checkAtMostAll, validateIntOrPercent } from "#api/apps-v1/int-or-percent.ts";
import { checkAllowed, checkNonNegative, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from "#api/policy-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { validateConditions } from "#apimachinery/validation/object-meta.ts";
import { hasInvalidLabelValue, validateLabelSelector } from "#apimachinery/validation/selectors.ts";

const SPEC = new FieldPath("spec");
const STATUS = new FieldPath("status");
const COUNTS = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const;

/** @see kubernetes pkg/registry/policy/poddisruptionbudget/strategy.go */
export const podDisruptionBudgetStrategy: Strategy<PodDisruptionBudget> = {
  hasGeneration: true,
  allowUnconditionalUpdate: false,
  validateCreate: ({ spec }) => validate(spec, false),
  validateUpdate: ({ spec }, old) => validate(spec, hasInvalidLabelValue(old.spec.selector)),
  subresources: {
    status: {
      validateUpdate({ status }) {
        const errors: Errors = validateConditions(status.conditions, STATUS.child("conditions"));
        for (const field of COUNTS) checkNonNegative(errors, status[field], STATUS, field);
        return errors;
      },
    },
  },
};

function validate(spec: PodDisruptionBudgetSpec, allowInvalidValues: boolean): FieldError[] {
  const errors: Errors = [];
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(fieldError.invalid(SPEC, asGo(spec), "minAvailable and maxUnavailable cannot be both set"));
  }
  for (const [name, value] of Object.entries({ minAvailable, maxUnavailable })) {
    if (value === undefined) continue;
    validateIntOrPercent(errors, value, SPEC.child(name));
    checkAtMostAll(errors, value, SPEC.child(name));
  }
  errors.push(...validateLabelSelector(selector, SPEC.child("selector"), { allowInvalidValues }));
  if (unhealthyPodEvictionPolicy !== undefined) {
    checkAllowed(errors, unhealthyPodEvictionPolicy, ["AlwaysAllow", "IfHealthyBudget"], SPEC.child("unhealthyPodEvictionPolicy"));
  }
  return errors;
}

const asGo = ({ minAvailable, selector, maxUnavailable, unhealthyPodEvictionPolicy }: PodDisruptionBudgetSpec) => ({
  MinAvailable: minAvailable ?? null,
  Selector: selector ?? null,
  MaxUnavailable: maxUnavailable ?? null,
  UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
});
