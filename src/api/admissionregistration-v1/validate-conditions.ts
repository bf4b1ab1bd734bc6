import type { MatchCondition } from "#api/admissionregistration-v1/types.ts";
import { checkQualifiedName, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";

const MAX_CONDITIONS = 64;

/** Names and presence; `validate-expressions.ts` compiles. */
export function validateConditions(errors: Errors, conditions: readonly MatchCondition[], path: FieldPath): void {
  if (conditions.length > MAX_CONDITIONS) errors.push(fieldError.tooMany(path, conditions.length, MAX_CONDITIONS));
  const names = new Set<string>();
  for (const [i, { name = "", expression = "" }] of conditions.entries()) {
    const at = path.index(i);
    if (expression.trim() === "") errors.push(fieldError.required(at.child("expression")));
    if (name === "") errors.push(fieldError.required(at.child("name")));
    else checkQualifiedName(errors, name, at.child("name"));
    if (names.has(name) && name !== "") errors.push(fieldError.duplicate(at.child("name"), name));
    names.add(name);
  }
}
