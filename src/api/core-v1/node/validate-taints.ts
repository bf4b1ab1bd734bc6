import type { Taint } from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isLabelValue } from "#apimachinery/validation/names.ts";

import { checkAllowed, checkQualifiedName, type Errors } from "../pod-spec/checks.ts";

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function validateTaints(errors: Errors, taints: readonly Taint[], path: FieldPath): void {
  const seen = new Set<string>();
  for (const [i, taint] of taints.entries()) {
    const { key = "", value = "", effect = "" } = taint;
    const at = path.index(i);
    checkQualifiedName(errors, key, at.child("key"));
    const wrong = isLabelValue(value);
    if (wrong.length > 0) errors.push(fieldError.invalid(at.child("value"), value, wrong.join(";")));
    if (effect === "") errors.push(fieldError.required(at.child("effect")));
    else checkAllowed(errors, effect, EFFECTS, at.child("effect"));
    const identity = `${effect} ${key}`;
    if (seen.has(identity)) errors.push(duplicate(at, taint));
    seen.add(identity);
  }
}

function duplicate(path: FieldPath, { key = "", value = "", effect = "", timeAdded = undefined }: Taint) {
  const error = fieldError.duplicate(path, { Key: key, Value: value, Effect: effect, TimeAdded: timeAdded ?? null });
  return { ...error, text: `${error.text}: taints must be unique by key and effect pair` };
}
