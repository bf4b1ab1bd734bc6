import { checkDnsLabel, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { isPositive, quantityText } from "#api/core-v1/pod-spec/quantities.ts";
import { checkContainerResourceName } from "#api/core-v1/pod-spec/validate-resources.ts";
import type { MetricIdentifier, MetricSpec, MetricTarget } from "#api/autoscaling-v2/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";

import { type ReferenceOptions, validateTargetReference } from "./target-reference.ts";

const TYPES = ["ContainerResource", "External", "Object", "Pods", "Resource"];

/** In the order in which upstream looks at them: only the first is looked into. */
const SOURCES = ["object", "external", "pods", "resource", "containerResource"] as const;
type SourceName = (typeof SOURCES)[number];

export function validateMetrics(
  errors: Errors,
  metrics: readonly MetricSpec[],
  minReplicas: number | undefined,
  path: FieldPath,
  described: ReferenceOptions,
): void {
  for (const [i, metric] of metrics.entries()) validateMetric(errors, metric, path.index(i), described);
  if (minReplicas === 0 && !metrics.some(({ type }) => type === "Object" || type === "External")) {
    errors.push(fieldError.forbidden(path, "must specify at least one Object or External metric to support scaling to zero replicas"));
  }
}

function validateMetric(errors: Errors, metric: MetricSpec, path: FieldPath, described: ReferenceOptions): void {
  const { type = "" } = metric;
  const isKnown = TYPES.includes(type);
  if (type === "") errors.push(fieldError.required(path.child("type"), "must specify a metric source type"));
  if (!isKnown) errors.push(fieldError.notSupported(path.child("type"), type, TYPES));
  const present = SOURCES.filter((source) => metric[source] !== undefined);
  if (present[0] !== undefined) validateSource(errors, metric, present[0], path.child(present[0]), described);
  const expected = `${type.charAt(0).toLowerCase()}${type.slice(1)}` as SourceName;
  if (!isKnown) errors.push(fieldError.notSupported(path.child("type"), type, TYPES));
  else if (metric[expected] === undefined) errors.push(fieldError.required(path.child(expected), "must populate information for the given metric source"));
  if (present.length === 1) return;
  for (const source of present) if (source !== expected) errors.push(fieldError.forbidden(path.child(source), "must populate the given metric source only"));
}

function validateSource(errors: Errors, metric: MetricSpec, source: SourceName, path: FieldPath, described: ReferenceOptions): void {
  switch (source) {
    case "object":
      return validateObject(errors, metric.object!, path, described);
    case "external":
      return validateExternal(errors, metric.external!, path);
    case "pods":
      return validatePods(errors, metric.pods!, path);
    case "resource":
      return validateResource(errors, metric.resource!, path);
    case "containerResource":
      return validateContainerResource(errors, metric.containerResource!, path);
  }
}

function validateObject(errors: Errors, source: NonNullable<MetricSpec["object"]>, path: FieldPath, described: ReferenceOptions): void {
  const { describedObject, metric, target } = source;
  validateTargetReference(errors, describedObject, path.child("describedObject"), described);
  validateIdentifier(errors, metric, path.child("metric"));
  validateTarget(errors, target, path.child("target"));
  if (target.value === undefined && target.averageValue === undefined) {
    errors.push(fieldError.required(path.child("target", "averageValue"), "must set either a target value or averageValue"));
  }
}

function validateExternal(errors: Errors, { metric, target }: NonNullable<MetricSpec["external"]>, path: FieldPath): void {
  validateIdentifier(errors, metric, path.child("metric"));
  validateTarget(errors, target, path.child("target"));
  const [hasValue, hasAverage] = [target.value !== undefined, target.averageValue !== undefined];
  if (!hasValue && !hasAverage) {
    errors.push(fieldError.required(path.child("target", "averageValue"), "must set either a target value for metric or a per-pod target"));
  }
  if (hasValue && hasAverage)
    errors.push(fieldError.forbidden(path.child("target", "value"), "may not set both a target value for metric and a per-pod target"));
}

function validatePods(errors: Errors, { metric, target }: NonNullable<MetricSpec["pods"]>, path: FieldPath): void {
  validateIdentifier(errors, metric, path.child("metric"));
  validateTarget(errors, target, path.child("target"));
  if (target.averageValue === undefined) {
    errors.push(fieldError.required(path.child("target", "averageValue"), "must specify a positive target averageValue"));
  }
}

function validateResource(errors: Errors, { name, target }: NonNullable<MetricSpec["resource"]>, path: FieldPath): void {
  if (!name) errors.push(fieldError.required(path.child("name"), "must specify a resource name"));
  validateTarget(errors, target, path.child("target"));
  checkEitherUse(errors, target, path.child("target"));
}

function validateContainerResource(errors: Errors, source: NonNullable<MetricSpec["containerResource"]>, path: FieldPath): void {
  const { name, container, target } = source;
  if (name) checkContainerResourceName(errors, name, path.child("name"));
  else errors.push(fieldError.required(path.child("name"), "must specify a resource name"));
  if (container) checkDnsLabel(errors, container, path.child("container"));
  else errors.push(fieldError.required(path.child("container"), "must specify a container"));
  validateTarget(errors, target, path.child("target"));
  checkEitherUse(errors, target, path.child("target"));
}

function checkEitherUse(errors: Errors, { averageUtilization, averageValue }: MetricTarget, path: FieldPath): void {
  const [hasShare, hasValue] = [averageUtilization !== undefined, averageValue !== undefined];
  if (!hasShare && !hasValue) {
    errors.push(fieldError.required(path.child("averageUtilization"), "must set either a target raw value or a target utilization"));
  }
  if (hasShare && hasValue) errors.push(fieldError.forbidden(path.child("averageValue"), "may not set both a target raw value and a target utilization"));
}

function validateTarget(errors: Errors, target: MetricTarget, path: FieldPath): void {
  const { type = "", averageUtilization } = target;
  if (type === "") checkRequiredType(errors, path);
  if (!["Utilization", "Value", "AverageValue"].includes(type)) {
    errors.push(fieldError.invalid(path.child("type"), type, "must be either Utilization, Value, or AverageValue"));
  }
  for (const field of ["value", "averageValue"] as const) {
    const quantity = target[field];
    if (quantity !== undefined && !isPositive(quantity)) errors.push(fieldError.invalid(path.child(field), quantityText(quantity), "must be positive"));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(fieldError.invalid(path.child("averageUtilization"), averageUtilization, "must be greater than 0"));
  }
}

function checkRequiredType(errors: Errors, path: FieldPath): void {
  errors.push(fieldError.required(path.child("type"), "must specify a metric target type"));
}

function validateIdentifier(errors: Errors, { name }: MetricIdentifier, path: FieldPath): void {
  if (name) pushInvalid(errors, path.child("name"), name, nameIsPathSegment(name));
  else errors.push(fieldError.required(path.child("name"), "must specify a metric name"));
}
