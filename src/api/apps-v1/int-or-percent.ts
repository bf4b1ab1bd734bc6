import { type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isPercent } from "#apimachinery/validation/names.ts";

/** A number that is not negative, or a percentage. */
export function validateIntOrPercent(errors: Errors, value: number | string, path: FieldPath): void {
  if (typeof value === "string") pushInvalid(errors, path, value, isPercent(value));
  else if (value < 0) errors.push(fieldError.invalid(path, value, "must be greater than or equal to 0"));
}

/** The number, or that of percents; a text that is neither is 0. */
export function intOrPercent(value: number | string): number {
  if (typeof value === "number") return value;
  const digits = isPercent(value).length === 0 ? value.slice(0, -1) : value;
  return /^[+-]?\d+$/.test(digits) ? Number(digits) : 0;
}

export function checkAtMostAll(errors: Errors, value: number | string, path: FieldPath): void {
  if (typeof value === "string" && isPercent(value).length === 0 && intOrPercent(value) > 100) {
    errors.push(fieldError.invalid(path, value, "must not be greater than 100%"));
  }
}
