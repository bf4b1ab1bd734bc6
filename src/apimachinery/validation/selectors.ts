import { type FieldError, type FieldPath, fieldError } from "#apimachinery/field-error.ts";
import type { DeepPartial } from "#apimachinery/object.ts";
import type { LabelSelector, LabelSelectorRequirement } from "#apimachinery/meta-v1/types.ts";

import { isLabelValue } from "./names.ts";
import { validateLabelName, validateLabels } from "./object-meta.ts";

export interface LabelSelectorOptions {
  /** Kept where an object already had values that are no label values. */
  readonly allowInvalidValues?: boolean | undefined;
  readonly allowUnknownOperators?: boolean | undefined;
}

/** @see apimachinery pkg/apis/meta/v1/validation */
export function validateLabelSelector(
  selector: DeepPartial<LabelSelector> | null | undefined,
  path: FieldPath,
  options: LabelSelectorOptions = {},
): FieldError[] {
  if (!selector) return [];
  const requirements = selector.matchExpressions ?? [];
  return [
    ...validateLabels(selector.matchLabels, path.child("matchLabels")),
    ...requirements.flatMap((requirement, i) => validateLabelRequirement(requirement, path.child("matchExpressions").index(i), options)),
  ];
}

/** One requirement of a selector. */
export function validateLabelRequirement(
  { key = "", operator = "", values }: DeepPartial<LabelSelectorRequirement>,
  path: FieldPath,
  { allowInvalidValues, allowUnknownOperators }: LabelSelectorOptions = {},
): FieldError[] {
  const errors = validateOperator(operator, values?.length ?? 0, path, allowUnknownOperators);
  errors.push(...validateLabelName(key, path.child("key")));
  if (allowInvalidValues) return errors;
  (values ?? []).forEach((value, i) => {
    for (const message of isLabelValue(value)) errors.push(fieldError.invalid(path.child("values").index(i), value, message));
  });
  return errors;
}

function validateOperator(operator: string, valueCount: number, path: FieldPath, allowUnknown = false): FieldError[] {
  switch (operator) {
    case "In":
    case "NotIn":
      return valueCount > 0 ? [] : [fieldError.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      return valueCount === 0 ? [] : [fieldError.forbidden(path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    default:
      return allowUnknown ? [] : [fieldError.invalid(path.child("operator"), operator, "not a valid selector operator")];
  }
}

/** Whether some value is no label value, so that an update may keep it. */
export function hasInvalidLabelValue(selector: DeepPartial<LabelSelector> | null | undefined): boolean {
  return (selector?.matchExpressions ?? []).some(({ values }) => (values ?? []).some((value) => isLabelValue(value).length > 0));
}
