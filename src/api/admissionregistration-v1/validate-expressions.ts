import type * as admission from "#api/admissionregistration-v1/types.ts";
import type { Errors } from "#api/core-v1/pod-spec/checks.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { BOOL, type CelType, NULL, STRING } from "#lib/cel/types.ts";

import { admissionEnvironment, compileExpression, type Expression } from "./expressions.ts";

const SPEC = new FieldPath("spec");

/** What is wrong with the match conditions of webhooks. @see kubernetes pkg/apis/admissionregistration/validation/validation.go */
export function webhookExpressionErrors(webhooks: readonly Pick<admission.ValidatingWebhook, "matchConditions">[]): FieldError[] {
  const errors: Errors = [];
  for (const [i, { matchConditions = [] }] of webhooks.entries()) checkConditions(errors, matchConditions, false, new FieldPath("webhooks").index(i));
  return errors;
}

/** What is wrong with a policy's expressions. */
export function policyExpressionErrors({ spec }: admission.ValidatingAdmissionPolicy): FieldError[] {
  const errors: Errors = [];
  const hasParams = spec.paramKind !== undefined;
  checkConditions(errors, spec.matchConditions ?? [], hasParams, SPEC);
  const types = variableTypes(errors, spec.variables ?? [], hasParams);
  const own = types.size > 0 || (spec.variables?.length ?? 0) > 0 ? types : undefined;
  const asking = admissionEnvironment({ hasParams, hasAuthorizer: true, variables: own });
  const telling = admissionEnvironment({ hasParams, hasAuthorizer: false, variables: own });
  for (const [i, { expression, messageExpression = "" }] of (spec.validations ?? []).entries()) {
    const at = SPEC.child("validations").index(i);
    check(errors, compileExpression(expression, asking, [BOOL]), at.child("expression"));
    if (messageExpression !== "") check(errors, compileExpression(messageExpression, telling, [STRING]), at.child("messageExpression"));
  }
  for (const [i, { valueExpression }] of (spec.auditAnnotations ?? []).entries()) {
    const compiled = compileExpression(valueExpression.trim(), asking, [STRING, NULL]);
    check(errors, { ...compiled, text: valueExpression }, SPEC.child("auditAnnotations").index(i).child("valueExpression"));
  }
  return errors;
}

export function checkConditions(errors: Errors, conditions: readonly admission.MatchCondition[], hasParams: boolean, path: FieldPath): void {
  if (conditions.length === 0) return;
  const environment = admissionEnvironment({ hasParams, hasAuthorizer: true });
  for (const [i, { expression }] of conditions.entries()) {
    check(errors, compileExpression(expression.trim(), environment, [BOOL]), path.child("matchConditions").index(i).child("expression"));
  }
}

/** Each variable may use those before it. */
export function variableTypes(errors: Errors, variables: readonly admission.Variable[], hasParams: boolean): Map<string, CelType> {
  const types = new Map<string, CelType>();
  for (const [i, { name, expression }] of variables.entries()) {
    const compiled = compileExpression(expression, admissionEnvironment({ hasParams, hasAuthorizer: true, variables: types }), []);
    check(errors, compiled, SPEC.child("variables").index(i).child("expression"));
    if (compiled.fault === undefined) types.set(name, compiled.type);
  }
  return types;
}

export function check(errors: Errors, { text, fault, isInternal }: Expression, path: FieldPath): void {
  if (fault !== undefined) errors.push(isInternal ? fieldError.internal(path, fault) : fieldError.invalid(path, text, fault));
}
