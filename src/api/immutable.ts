import { type FieldError, fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { FIELD_IMMUTABLE } from "#apimachinery/validation/object-meta.ts";
import { sameJson } from "#lib/same-json.ts";

/** A field that may not change once the object is there. `told` is what to show of the new value. */
export function checkImmutable(errors: FieldError[], value: unknown, old: unknown, path: FieldPath, told: unknown = value): void {
  if (!sameJson(value, old)) errors.push(fieldError.invalid(path, told, FIELD_IMMUTABLE));
}
