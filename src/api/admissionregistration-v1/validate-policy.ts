import type * as admission from "#api/admissionregistration-v1/types.ts";
import { checkAllowed, checkQualifiedName, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1035Label, isDns1123Subdomain } from "#apimachinery/validation/names.ts";
import { validateConditions as validateStatusConditions } from "#apimachinery/validation/object-meta.ts";
import { sameJson } from "#lib/same-json.ts";

import { validateConditions } from "./validate-conditions.ts";
import { validateMatch } from "./validate-match.ts";

const SPEC = new FieldPath("spec");
const REASONS = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
const MAX_ANNOTATIONS = 20;
const MAX_VALUE_BYTES = 5 * 1024;
const NOTHING_TO_DO = "validations or auditAnnotations must contain at least one item";
/** Words that no variable may be called by. */
const RESERVED = new Set("true false null in as break const continue else for function if import let loop package namespace return var void while".split(" "));

/** @see kubernetes pkg/apis/admissionregistration/validation/validation.go, ValidateValidatingAdmissionPolicy */
export function validatePolicy(policy: admission.ValidatingAdmissionPolicy): FieldError[] {
  return validateSpec(policy, false);
}

/** Match conditions that stand are not looked at again. */
export function validatePolicyUpdate(policy: admission.ValidatingAdmissionPolicy, old: admission.ValidatingAdmissionPolicy): FieldError[] {
  const isKept = sameJson(policy.spec.paramKind, old.spec.paramKind) && sameJson(policy.spec.matchConditions, old.spec.matchConditions);
  return validateSpec(policy, isKept);
}

export function validatePolicyStatus({ status }: admission.ValidatingAdmissionPolicy): FieldError[] {
  const errors: Errors = [];
  const path = new FieldPath("status");
  for (const [i, { warning, fieldRef }] of (status?.typeChecking?.expressionWarnings ?? []).entries()) {
    const at = path.child("typeChecking", "expressionWarnings").index(i);
    if (!warning) errors.push(fieldError.required(at.child("warning")));
    if (!fieldRef?.trim()) errors.push(fieldError.required(at.child("fieldRef")));
  }
  return [...errors, ...validateStatusConditions(status?.conditions, path.child("conditions"))];
}

function validateSpec({ metadata, spec }: admission.ValidatingAdmissionPolicy, ignoreConditions: boolean): FieldError[] {
  const errors: Errors = [];
  const { failurePolicy, paramKind, matchConstraints: match, matchConditions, variables, validations, auditAnnotations } = spec;
  if (failurePolicy === undefined) errors.push(fieldError.required(SPEC.child("failurePolicy")));
  else checkAllowed(errors, failurePolicy, ["Fail", "Ignore"], SPEC.child("failurePolicy"));
  if (paramKind) validateParamKind(errors, paramKind, SPEC.child("paramKind"));
  const at = SPEC.child("matchConstraints");
  if (match) validateMatch(errors, match, at);
  else errors.push(fieldError.required(at));
  if (match && !match.resourceRules?.length) errors.push(fieldError.required(at.child("resourceRules")));
  if (!ignoreConditions) validateConditions(errors, matchConditions ?? [], SPEC.child("matchConditions"));
  for (const [i, variable] of (variables ?? []).entries()) validateVariable(errors, variable, SPEC.child("variables").index(i));
  if (!validations?.length && !auditAnnotations?.length) {
    for (const field of ["validations", "auditAnnotations"]) errors.push(fieldError.required(SPEC.child(field), NOTHING_TO_DO));
    return errors;
  }
  for (const [i, validation] of (validations ?? []).entries()) validateValidation(errors, validation, SPEC.child("validations").index(i));
  validateAnnotations(errors, metadata.name, auditAnnotations ?? []);
  return errors;
}

export function validateParamKind(errors: Errors, { apiVersion = "", kind = "" }: admission.ParamKind, path: FieldPath): void {
  validateGroupVersion(errors, apiVersion, path.child("apiVersion"));
  if (kind === "") return void errors.push(fieldError.required(path.child("kind")));
  const wrong = isDns1035Label(kind.toLowerCase());
  if (wrong.length > 0) errors.push(fieldError.invalid(path.child("kind"), kind, `may have mixed case, but should otherwise match: ${wrong.join(",")}`));
}

function validateGroupVersion(errors: Errors, text: string, path: FieldPath): void {
  if (text === "") return void errors.push(fieldError.required(path));
  const parts = text.split("/");
  if (parts.length > 2) return void errors.push(fieldError.invalid(path, text, `unexpected GroupVersion string: ${text}`));
  const [version = "", group = ""] = parts.toReversed();
  const ofGroup = group === "" ? [] : isDns1123Subdomain(group);
  if (ofGroup.length > 0) errors.push(fieldError.invalid(path, group, ofGroup.join(",")));
  if (version === "") return void errors.push(fieldError.invalid(path, text, "version must be specified"));
  const ofVersion = isDns1035Label(version);
  if (ofVersion.length > 0) errors.push(fieldError.invalid(path, version, ofVersion.join(",")));
}

export function validateVariable(errors: Errors, { name = "", expression = "" }: admission.Variable, path: FieldPath): void {
  if (name.trim() === "") errors.push(fieldError.required(path.child("name"), "name is not specified"));
  else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || RESERVED.has(name)) {
    errors.push(fieldError.invalid(path.child("name"), name, "must be a valid CEL identifier"));
  }
  if (expression.trim() === "") errors.push(fieldError.required(path.child("expression"), "expression is not specified"));
}

function validateValidation(errors: Errors, validation: admission.Validation, path: FieldPath): void {
  const { expression = "", message = "", messageExpression = "", reason } = validation;
  if (expression.trim() === "") errors.push(fieldError.required(path.child("expression"), "expression is not specified"));
  if (messageExpression !== "" && messageExpression.trim() === "") {
    errors.push(fieldError.invalid(path.child("messageExpression"), messageExpression, "must be non-empty if specified"));
  }
  const told = message.trim();
  if (message !== "" && told === "") errors.push(fieldError.invalid(path.child("message"), message, "must be non-empty if specified"));
  else if (/[\n\r]/.test(told)) errors.push(fieldError.invalid(path.child("message"), message, "must not contain line breaks"));
  if (reason !== undefined) checkAllowed(errors, reason, REASONS, path.child("reason"));
}

function validateAnnotations(errors: Errors, policy: string | undefined, annotations: readonly admission.AuditAnnotation[]): void {
  const path = SPEC.child("auditAnnotations");
  if (annotations.length > MAX_ANNOTATIONS) {
    const told = annotations.map(({ key, valueExpression }) => ({ Key: key, ValueExpression: valueExpression })); // by Go's names
    errors.push(fieldError.invalid(path, told, `must not have more than ${MAX_ANNOTATIONS} auditAnnotations`));
  }
  const keys = new Set<string>();
  for (const [i, { key = "", valueExpression = "" }] of annotations.entries()) {
    const at = path.index(i);
    if (policy) checkQualifiedName(errors, `${policy}/${key}`, at.child("key"));
    else errors.push(fieldError.invalid(at.child("key"), key, "requires metadata.name be non-empty"));
    const bytes = Buffer.byteLength(valueExpression.trim());
    if (bytes === 0) errors.push(fieldError.required(at.child("valueExpression"), "valueExpression is not specified"));
    if (bytes > MAX_VALUE_BYTES) errors.push(fieldError.required(at.child("valueExpression"), `must not exceed ${MAX_VALUE_BYTES} bytes in length`));
    if (keys.has(key)) errors.push(fieldError.duplicate(at.child("key"), key));
    keys.add(key);
  }
}
