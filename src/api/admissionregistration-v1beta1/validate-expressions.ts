import { admissionEnvironment, compileExpression } from "#api/admissionregistration-v1/expressions.ts";
import { check, checkConditions, variableTypes } from "#api/admissionregistration-v1/validate-expressions.ts";
import type { MutatingAdmissionPolicy } from "#api/admissionregistration-v1beta1/types.ts";
import type { Errors } from "#api/core-v1/pod-spec/checks.ts";
import { APPLY_OBJECT, JSON_PATCH } from "#apimachinery/cel/patch-types.ts";
import { type FieldError, FieldPath } from "#apimachinery/field-error.ts";
import { listOf } from "#lib/cel/types.ts";

const SPEC = new FieldPath("spec");

/** What is wrong with a policy's expressions. @see kubernetes pkg/apis/admissionregistration/validation/validation.go, validateMutation */
export function mutatingExpressionErrors({ spec }: MutatingAdmissionPolicy): FieldError[] {
  const errors: Errors = [];
  const hasParams = spec.paramKind !== undefined;
  checkConditions(errors, spec.matchConditions ?? [], hasParams, SPEC);
  const types = variableTypes(errors, spec.variables ?? [], hasParams);
  const variables = (spec.variables?.length ?? 0) > 0 ? types : undefined;
  const environment = admissionEnvironment({ hasParams, hasAuthorizer: true, hasPatches: true, variables });
  for (const [i, { applyConfiguration, jsonPatch }] of (spec.mutations ?? []).entries()) {
    const [field, given, result] = jsonPatch
      ? (["jsonPatch", jsonPatch, listOf(JSON_PATCH)] as const)
      : (["applyConfiguration", applyConfiguration, APPLY_OBJECT] as const);
    check(errors, compileExpression((given?.expression ?? "").trim(), environment, [result]), SPEC.child("mutations").index(i).child(field, "expression"));
  }
  return errors;
}
