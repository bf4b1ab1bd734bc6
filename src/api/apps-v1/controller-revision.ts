import type { ControllerRevision } from "#api/apps-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

const DATA = new FieldPath("data");
const REVISION = new FieldPath("revision");

/** @see kubernetes pkg/registry/apps/controllerrevision/strategy.go */
export const controllerRevisionStrategy: Strategy<ControllerRevision> = {
  validateCreate: (history) => [...validateRevision(history), ...validateData(history)],
  validateUpdate,
};

function validateRevision({ revision = 0 }: ControllerRevision): FieldError[] {
  return revision < 0 ? [fieldError.invalid(REVISION, revision, "must be greater than or equal to 0")] : [];
}

function validateData({ data }: ControllerRevision): FieldError[] {
  if (data === undefined || data === null) return [fieldError.required(DATA, "data is mandatory")];
  if (typeof data !== "object" || Array.isArray(data)) return [fieldError.required(DATA, "data must be a valid JSON object")];
  return [];
}

function validateUpdate(history: ControllerRevision, old: ControllerRevision): FieldError[] {
  const errors = validateRevision(history);
  // Upstream prints the object that it decoded the data into, of which nothing is visible.
  if (!sameJson(history.data, old.data)) errors.push(fieldError.invalid(DATA, {}, "field is immutable"));
  return errors;
}
