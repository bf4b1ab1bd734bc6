import type { ParamRef, ValidatingAdmissionPolicyBinding } from "#api/admissionregistration-v1/types.ts";
import { checkAllowed, checkDnsSubdomain, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";

import { validateMatch } from "./validate-match.ts";

const SPEC = new FieldPath("spec");
const ACTIONS = ["Audit", "Deny", "Warn"];
const EITHER = "name and selector are mutually exclusive";

/** @see kubernetes pkg/apis/admissionregistration/validation/validation.go, ValidateValidatingAdmissionPolicyBinding */
export function validateBinding({ spec }: ValidatingAdmissionPolicyBinding): FieldError[] {
  const errors: Errors = [];
  const { policyName, paramRef, matchResources, validationActions } = spec;
  if (policyName) checkDnsSubdomain(errors, policyName, SPEC.child("policyName"));
  else errors.push(fieldError.required(SPEC.child("policyName")));
  if (paramRef) validateParamRef(errors, paramRef, SPEC.child("paramRef"));
  if (matchResources) validateMatch(errors, matchResources, SPEC.child("matchResources"));
  validateActions(errors, validationActions ?? [], SPEC.child("validationActions"));
  return errors;
}

export function validateParamRef(errors: Errors, { name, selector, parameterNotFoundAction: action }: ParamRef, path: FieldPath): void {
  if (name) pushInvalid(errors, path.child("name"), name, nameIsPathSegment(name));
  if (name && selector) errors.push(fieldError.forbidden(path.child("name"), EITHER));
  if (selector) errors.push(...validateLabelSelector(selector, path.child("selector")));
  if (name && selector) errors.push(fieldError.forbidden(path.child("selector"), EITHER));
  if (!name && !selector) errors.push(fieldError.required(path, "one of name or selector must be specified"));
  if (action) checkAllowed(errors, action, ["Deny", "Allow"], path.child("parameterNotFoundAction"));
  else errors.push(fieldError.required(path.child("parameterNotFoundAction")));
}

function validateActions(errors: Errors, actions: readonly string[], path: FieldPath): void {
  const seen = new Set<string>();
  for (const [i, action] of actions.entries()) {
    checkAllowed(errors, action, ACTIONS, path.index(i));
    if (seen.has(action)) errors.push(fieldError.duplicate(path.index(i), action));
    seen.add(action);
  }
  if (seen.has("Deny") && seen.has("Warn")) {
    const why = "repeating the same validation failure information in the API response and headers serves no purpose";
    errors.push(fieldError.invalid(path, actions, `must not contain both Deny and Warn (${why})`));
  }
  if (actions.length === 0) errors.push(fieldError.required(path, "at least one validation action is required"));
}
