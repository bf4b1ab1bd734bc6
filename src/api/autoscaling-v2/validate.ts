import { checkNonNegative, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { isNegative, quantityText } from "#api/core-v1/pod-spec/quantities.ts";
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, HPAScalingRules } from "#api/autoscaling-v2/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";

import { type ReferenceOptions, validateTargetReference, versionFault } from "./target-reference.ts";
import { validateMetrics } from "./validate-metrics.ts";

const SPEC = new FieldPath("spec");
const MAX_WINDOW_SECONDS = 3600;
const MAX_PERIOD_SECONDS = 1800;

/** What stood in an older object may stay. */
interface Options {
  readonly lowestReplicas: number;
  readonly target: ReferenceOptions;
  /** Of the object that a metric describes. */
  readonly described: ReferenceOptions;
}

/** @see kubernetes pkg/apis/autoscaling/validation/validation.go */
export function validateAutoscaler({ spec }: HorizontalPodAutoscaler): FieldError[] {
  return validateSpec(spec, optionsOf(spec, undefined));
}

export function validateAutoscalerUpdate({ spec }: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler): FieldError[] {
  return validateSpec(spec, optionsOf(spec, old.spec));
}

/** @see kubernetes pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go */
function optionsOf({ scaleTargetRef: target }: HorizontalPodAutoscalerSpec, old: HorizontalPodAutoscalerSpec | undefined): Options {
  const isSameType = old?.scaleTargetRef.apiVersion === target.apiVersion && old?.scaleTargetRef.kind === target.kind;
  const wasInvalid = (old?.metrics ?? []).some(({ type, object }) => type === "Object" && object && versionFault(object.describedObject, true) !== undefined);
  return {
    lowestReplicas: old?.minReplicas === 0 ? 0 : 1,
    target: { allowCore: target.kind === "ReplicationController", allowInvalidVersion: old !== undefined && isSameType },
    described: { allowCore: true, allowInvalidVersion: wasInvalid },
  };
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): FieldError[] {
  const errors: Errors = [];
  for (const field of ["currentReplicas", "desiredReplicas"] as const) checkNonNegative(errors, status[field], new FieldPath("status"), field);
  return errors;
}

function validateSpec(spec: HorizontalPodAutoscalerSpec, { lowestReplicas, target, described }: Options): FieldError[] {
  const errors: Errors = [];
  const { minReplicas, maxReplicas = 0, behavior } = spec;
  if (minReplicas !== undefined && minReplicas < lowestReplicas) {
    errors.push(fieldError.invalid(SPEC.child("minReplicas"), minReplicas, `must be greater than or equal to ${lowestReplicas}`));
  }
  if (maxReplicas < 1) errors.push(fieldError.invalid(SPEC.child("maxReplicas"), maxReplicas, "must be greater than 0"));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(fieldError.invalid(SPEC.child("maxReplicas"), maxReplicas, "must be greater than or equal to `minReplicas`"));
  }
  validateTargetReference(errors, spec.scaleTargetRef, SPEC.child("scaleTargetRef"), target);
  validateMetrics(errors, spec.metrics ?? [], minReplicas, SPEC.child("metrics"), described);
  for (const field of ["scaleUp", "scaleDown"] as const) {
    const rules = behavior?.[field];
    if (rules) validateRules(errors, rules, SPEC.child("behavior", field));
  }
  return errors;
}

function validateRules(errors: Errors, rules: HPAScalingRules, path: FieldPath): void {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules;
  const at = path.child("stabilizationWindowSeconds");
  if (window !== undefined && window < 0) errors.push(fieldError.invalid(at, window, "must be greater than or equal to zero"));
  if (window !== undefined && window > MAX_WINDOW_SECONDS) errors.push(fieldError.invalid(at, window, `must be less than or equal to ${MAX_WINDOW_SECONDS}`));
  if (selectPolicy !== undefined && !["Disabled", "Max", "Min"].includes(selectPolicy)) {
    errors.push(fieldError.notSupported(path.child("selectPolicy"), selectPolicy, ["Disabled", "Max", "Min"]));
  }
  if (policies.length === 0) errors.push(fieldError.required(path.child("policies"), "must specify at least one Policy"));
  for (const [i, { type = "", value = 0, periodSeconds = 0 }] of policies.entries()) {
    const one = path.child("policies").index(i);
    if (type !== "Pods" && type !== "Percent") errors.push(fieldError.notSupported(one.child("type"), type, ["Percent", "Pods"]));
    if (value <= 0) errors.push(fieldError.invalid(one.child("value"), value, "must be greater than zero"));
    if (periodSeconds <= 0) errors.push(fieldError.invalid(one.child("periodSeconds"), periodSeconds, "must be greater than zero"));
    if (periodSeconds > MAX_PERIOD_SECONDS) {
      errors.push(fieldError.invalid(one.child("periodSeconds"), periodSeconds, `must be less than or equal to ${MAX_PERIOD_SECONDS}`));
    }
  }
  if (tolerance !== undefined && isNegative(tolerance)) {
    errors.push(fieldError.invalid(path.child("tolerance"), quantityText(tolerance), "must be greater than or equal to 0"));
  }
}
