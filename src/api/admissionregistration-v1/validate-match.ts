import type { MatchResources, NamedRuleWithOperations } from "#api/admissionregistration-v1/types.ts";
import { checkAllowed, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";

import { validateRule } from "./validate-rules.ts";

/** The requests that a policy, or a binding of one, is about. */
export function validateMatch(errors: Errors, match: MatchResources, path: FieldPath): void {
  const { matchPolicy, resourceRules, excludeResourceRules } = match;
  if (matchPolicy === undefined) errors.push(fieldError.required(path.child("matchPolicy")));
  else checkAllowed(errors, matchPolicy, ["Equivalent", "Exact"], path.child("matchPolicy"));
  for (const field of ["namespaceSelector", "objectSelector"] as const) {
    if (match[field]) errors.push(...validateLabelSelector(match[field], path.child(field)));
    else errors.push(fieldError.required(path.child(field)));
  }
  for (const [i, rule] of (resourceRules ?? []).entries()) validateNamedRule(errors, rule, path.child("resourceRules").index(i));
  for (const [i, rule] of (excludeResourceRules ?? []).entries()) validateNamedRule(errors, rule, path.child("excludeResourceRules").index(i));
}

function validateNamedRule(errors: Errors, rule: NamedRuleWithOperations, path: FieldPath): void {
  const names = new Set<string>();
  for (const [i, name] of (rule.resourceNames ?? []).entries()) {
    const at = path.child("resourceNames").index(i);
    pushInvalid(errors, at, name, nameIsPathSegment(name));
    if (names.has(name)) errors.push(fieldError.duplicate(at, name));
    names.add(name);
  }
  validateRule(errors, rule, path);
}
