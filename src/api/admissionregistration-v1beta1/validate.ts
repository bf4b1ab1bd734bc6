import { validateConditions } from "#api/admissionregistration-v1/validate-conditions.ts";
import { validateMatch } from "#api/admissionregistration-v1/validate-match.ts";
import { validateParamRef } from "#api/admissionregistration-v1/validate-binding.ts";
import { validateParamKind, validateVariable } from "#api/admissionregistration-v1/validate-policy.ts";
import type * as admission from "#api/admissionregistration-v1beta1/types.ts";
import { checkAllowed, checkDnsSubdomain, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

const SPEC = new FieldPath("spec");
/** What goes cannot be changed. */
const OPERATIONS = ["*", "CONNECT", "CREATE", "UPDATE"];
const PATCH_TYPES = ["ApplyConfiguration", "JSONPatch"];

/** @see kubernetes pkg/apis/admissionregistration/validation/validation.go, ValidateMutatingAdmissionPolicy */
export function validateMutatingPolicy(policy: admission.MutatingAdmissionPolicy): FieldError[] {
  return validateSpec(policy, false);
}

/** Match conditions that stand are not looked at again. */
export function validateMutatingPolicyUpdate(policy: admission.MutatingAdmissionPolicy, old: admission.MutatingAdmissionPolicy): FieldError[] {
  const isKept = sameJson(policy.spec.paramKind, old.spec.paramKind) && sameJson(policy.spec.matchConditions, old.spec.matchConditions);
  return validateSpec(policy, isKept);
}

export function validateMutatingBinding({ spec }: admission.MutatingAdmissionPolicyBinding): FieldError[] {
  const errors: Errors = [];
  const { policyName, paramRef, matchResources } = spec;
  if (policyName) checkDnsSubdomain(errors, policyName, SPEC.child("policyName"));
  else errors.push(fieldError.required(SPEC.child("policyName")));
  if (paramRef) validateParamRef(errors, paramRef, SPEC.child("paramRef"));
  if (matchResources) {
    validateMatch(errors, matchResources, SPEC.child("matchResources"));
    checkOperations(errors, matchResources, SPEC.child("matchResources"));
  }
  return errors;
}

function validateSpec({ spec }: admission.MutatingAdmissionPolicy, ignoreConditions: boolean): FieldError[] {
  const errors: Errors = [];
  const { failurePolicy, paramKind, matchConstraints: match, matchConditions, variables, mutations = [], reinvocationPolicy } = spec;
  if (failurePolicy === undefined) errors.push(fieldError.required(SPEC.child("failurePolicy")));
  else checkAllowed(errors, failurePolicy, ["Fail", "Ignore"], SPEC.child("failurePolicy"));
  if (paramKind) validateParamKind(errors, paramKind, SPEC.child("paramKind"));
  const at = SPEC.child("matchConstraints");
  if (match) {
    validateMatch(errors, match, at);
    if (!match.resourceRules?.length) errors.push(fieldError.required(at.child("resourceRules")));
    checkOperations(errors, match, at);
  } else errors.push(fieldError.required(at));
  if (!ignoreConditions) validateConditions(errors, matchConditions ?? [], SPEC.child("matchConditions"));
  for (const [i, variable] of (variables ?? []).entries()) validateVariable(errors, variable, SPEC.child("variables").index(i));
  if (mutations.length === 0) errors.push(fieldError.required(SPEC.child("mutations"), "mutations must contain at least one item"));
  for (const [i, mutation] of mutations.entries()) validateMutation(errors, mutation, SPEC.child("mutations").index(i));
  if (reinvocationPolicy) checkAllowed(errors, reinvocationPolicy, ["IfNeeded", "Never"], SPEC.child("reinvocationPolicy"));
  else errors.push(fieldError.required(SPEC.child("reinvocationPolicy")));
  return errors;
}

function checkOperations(errors: Errors, { resourceRules = [] }: admission.MatchResources, path: FieldPath): void {
  for (const { operations = [] } of resourceRules) {
    for (const operation of operations) checkAllowed(errors, operation, OPERATIONS, path.child("resourceRules", "operations"));
  }
}

function validateMutation(errors: Errors, { patchType, applyConfiguration, jsonPatch }: admission.Mutation, path: FieldPath): void {
  if (!patchType) return void errors.push(fieldError.required(path.child("patchType")));
  if (!PATCH_TYPES.includes(patchType)) return void checkAllowed(errors, patchType, PATCH_TYPES, path.child("patchType"));
  const isJson = patchType === "JSONPatch";
  const [own, other] = isJson ? (["jsonPatch", "applyConfiguration"] as const) : (["applyConfiguration", "jsonPatch"] as const);
  const [given, stray] = isJson ? [jsonPatch, applyConfiguration] : [applyConfiguration, jsonPatch];
  if (given === undefined) errors.push(fieldError.required(path.child(own), `must be specified when patchType is ${patchType}`));
  else if (!given.expression?.trim()) errors.push(fieldError.required(path.child(own, "expression")));
  if (stray !== undefined) errors.push(fieldError.invalid(path.child(other), `{${other}}`, `must not be specified when patchType is ${patchType}`));
}
