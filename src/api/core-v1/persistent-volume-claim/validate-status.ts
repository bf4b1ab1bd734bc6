import type { PersistentVolumeClaim } from "#api/core-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isQualifiedName } from "#apimachinery/validation/names.ts";

import { type Errors, sortedEntries } from "../pod-spec/checks.ts";
import { isNegative, wholeUnits } from "../pod-spec/quantities.ts";
import { isNative } from "../pod-spec/validate-resources.ts";

const STATUS = new FieldPath("status");
const RESIZE_STATUSES = ["ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"];

/** @see kubernetes pkg/apis/core/validation/validation.go ValidatePersistentVolumeClaimStatusUpdate */
export function validateClaimStatus({ spec, status }: PersistentVolumeClaim): FieldError[] {
  const errors: Errors = [];
  if ((spec.accessModes?.length ?? 0) === 0) errors.push(fieldError.required(new FieldPath("Spec.accessModes")));
  const { capacity, allocatedResourceStatuses, allocatedResources } = status ?? {};
  for (const [name, quantity] of sortedEntries(capacity ?? {})) checkBasic(errors, quantity, STATUS.child("capacity").key(name));
  const statuses = STATUS.child("allocatedResourceStatuses");
  for (const [name, value] of sortedEntries(allocatedResourceStatuses ?? {})) {
    checkKey(errors, name, statuses);
    if (!RESIZE_STATUSES.includes(value)) errors.push(fieldError.notSupported(statuses, name, RESIZE_STATUSES));
  }
  const allocated = STATUS.child("allocatedResources");
  for (const [name, quantity] of sortedEntries(allocatedResources ?? {})) {
    if (checkKey(errors, name, allocated)) checkBasic(errors, quantity, allocated.key(name));
  }
  return errors;
}

function checkBasic(errors: Errors, quantity: string, path: FieldPath): void {
  if (isNegative(quantity)) errors.push(fieldError.invalid(path, Number(wholeUnits(quantity)), "must be a valid resource quantity"));
}

/** Of names without a domain, only storage. @returns whether the name will do */
function checkKey(errors: Errors, name: string, path: FieldPath): boolean {
  const messages = isQualifiedName(name);
  for (const message of messages) errors.push(fieldError.invalid(path, name, message));
  const isOther = messages.length === 0 && isNative(name) && name !== "storage";
  if (isOther) errors.push(fieldError.notSupported(path, name, ["storage"]));
  return messages.length === 0 && !isOther;
}
