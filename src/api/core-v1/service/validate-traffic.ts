import type { ServiceSpec } from "#api/core-v1/types.ts";
import { fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isPortNumber } from "#apimachinery/validation/names.ts";

import { checkAllowed, type Errors, pushInvalid } from "../pod-spec/checks.ts";
import { isExternallyAccessible, needsHealthCheck } from "./service-type.ts";

const SPEC = new FieldPath("spec");
const POLICIES = ["Cluster", "Local"];
const DISTRIBUTIONS = ["PreferClose", "PreferSameZone", "PreferSameNode"];

/** Where traffic may go: from outside, from inside, and which endpoints are preferred. */
export function validateTrafficPolicies(errors: Errors, spec: ServiceSpec): void {
  const { externalTrafficPolicy = "", internalTrafficPolicy, trafficDistribution, type = "" } = spec;
  const external = SPEC.child("externalTrafficPolicy");
  if (!isExternallyAccessible(spec)) {
    if (externalTrafficPolicy !== "") errors.push(fieldError.invalid(external, externalTrafficPolicy, "may only be set for externally-accessible services"));
  } else if (externalTrafficPolicy === "") errors.push(fieldError.required(external));
  else checkAllowed(errors, externalTrafficPolicy, POLICIES, external);
  validateHealthPort(errors, spec);
  const internal = SPEC.child("internalTrafficPolicy");
  if (internalTrafficPolicy !== undefined) checkAllowed(errors, internalTrafficPolicy, POLICIES, internal);
  else if (["NodePort", "LoadBalancer", "ClusterIP"].includes(type)) errors.push(fieldError.required(internal));
  if (trafficDistribution !== undefined) checkAllowed(errors, trafficDistribution, DISTRIBUTIONS, SPEC.child("trafficDistribution"));
}

function validateHealthPort(errors: Errors, spec: ServiceSpec): void {
  const path = SPEC.child("healthCheckNodePort");
  const port = spec.healthCheckNodePort ?? 0;
  if (needsHealthCheck(spec)) {
    if (port === 0) errors.push(fieldError.required(path));
    else pushInvalid(errors, path, port, isPortNumber(port));
  } else if (port !== 0) {
    errors.push(fieldError.invalid(path, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  }
}

export function checkHealthPortKept(errors: Errors, spec: ServiceSpec, old: ServiceSpec): void {
  if (!needsHealthCheck(spec) || !needsHealthCheck(old) || (spec.healthCheckNodePort ?? 0) === (old.healthCheckNodePort ?? 0)) return;
  errors.push(fieldError.forbidden(SPEC.child("healthCheckNodePort"), "field is immutable"));
}
