import type { APIService, ServiceReference } from "#api/apiregistration-v1/types.ts";
import { checkAllowed, checkDnsSubdomain, checkRequired, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1035Label, isPortNumber, nameIsPathSegment } from "#apimachinery/validation/names.ts";

const SPEC = new FieldPath("spec");
const MAX_GROUP_PRIORITY = 20_000;
const MAX_VERSION_PRIORITY = 1000;

/** @see kubernetes/kube-aggregator pkg/apis/apiregistration/validation/validation.go */
export function validateService({ metadata, spec }: APIService): FieldError[] {
  const errors: Errors = [];
  const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0, service, caBundle, insecureSkipTLSVerify } = spec;
  checkName(errors, metadata.name ?? "", `${version}.${group}`);
  if (group !== "") checkDnsSubdomain(errors, group, SPEC.child("group"));
  else if (version !== "v1") errors.push(fieldError.required(SPEC.child("group"), "only v1 may have an empty group and it better be legacy kube"));
  pushInvalid(errors, SPEC.child("version"), version, isDns1035Label(version));
  checkPriority(errors, groupPriorityMinimum, MAX_GROUP_PRIORITY, SPEC.child("groupPriorityMinimum"));
  checkPriority(errors, versionPriority, MAX_VERSION_PRIORITY, SPEC.child("versionPriority"));
  const insecure = SPEC.child("insecureSkipTLSVerify");
  if (service) {
    validateReference(errors, service, SPEC.child("service"));
    if (insecureSkipTLSVerify && caBundle) errors.push(fieldError.invalid(insecure, true, "may not be true if caBundle is present"));
    return errors;
  }
  if (caBundle) {
    const told = `${Buffer.from(caBundle, "base64").length} bytes`;
    errors.push(fieldError.invalid(SPEC.child("caBundle"), told, "local APIServices may not have a caBundle"));
  }
  if (insecureSkipTLSVerify) errors.push(fieldError.invalid(insecure, true, "local APIServices may not have insecureSkipTLSVerify"));
  return errors;
}

/** An object without a name is refused for that. */
function checkName(errors: Errors, name: string, wanted: string): void {
  if (name === "") return;
  const path = new FieldPath("metadata.name");
  const faults = nameIsPathSegment(name);
  if (faults.length > 0) pushInvalid(errors, path, name, faults);
  else if (name !== wanted) errors.push(fieldError.invalid(path, name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`));
}

function checkPriority(errors: Errors, priority: number, max: number, path: FieldPath): void {
  if (priority <= 0 || priority > max) errors.push(fieldError.invalid(path, priority, `must be positive and less than ${max}`));
}

function validateReference(errors: Errors, service: ServiceReference, path: FieldPath): void {
  checkRequired(errors, service.namespace, path, "namespace");
  checkRequired(errors, service.name, path, "name");
  const { port = 0 } = service;
  const faults = isPortNumber(port);
  if (faults.length > 0) errors.push(fieldError.invalid(path.child("port"), port, `port is not valid: ${faults.join(", ")}`));
}

export function validateServiceStatus({ status }: APIService): FieldError[] {
  const errors: Errors = [];
  for (const [i, condition] of (status?.conditions ?? []).entries()) {
    const at = new FieldPath("status.conditions").index(i).child("status");
    checkAllowed(errors, condition.status, ["True", "False", "Unknown"], at);
  }
  return errors;
}
