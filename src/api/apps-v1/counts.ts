import { checkNonNegative, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { fieldError } from "#apimachinery/field-error.ts";

import { STATUS } from "./template.ts";

type Counts = Readonly<Record<string, unknown>>;

const count = (status: Counts, field: string): number => (status[field] as number | undefined) ?? 0;

/** None of these may be negative. */
export function checkCounts(errors: Errors, status: object, fields: readonly string[]): void {
  for (const field of fields) checkNonNegative(errors, count(status as Counts, field), STATUS, field);
}

/** None of `parts` may be more than `whole`. */
export function checkParts(errors: Errors, status: object, parts: readonly string[], whole: string, told: string): void {
  for (const field of parts) {
    const value = count(status as Counts, field);
    if (value > count(status as Counts, whole)) errors.push(fieldError.invalid(STATUS.child(field), value, `cannot be greater than ${told}`));
  }
}

export function checkCollisions(errors: Errors, now: number | undefined, old: number | undefined): void {
  if (old === undefined || (now !== undefined && now >= old)) return;
  errors.push(fieldError.invalid(STATUS.child("collisionCount"), now ?? 0, "cannot be decremented"));
}
