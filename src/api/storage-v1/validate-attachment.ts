import { goValue } from "#api/core-v1/pod-spec/go-values.ts";
import { checkDnsSubdomain, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { validateInlineVolume } from "#api/core-v1/persistent-volume/validate.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from "#api/storage-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";

import { checkDriverName } from "./validate.ts";

const SPEC = new FieldPath("spec");
const STATUS = new FieldPath("status");
const MAX_METADATA_BYTES = 256 * 1024;
const MAX_MESSAGE_BYTES = 1024;
const ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";

/** @see kubernetes pkg/apis/storage/validation/validation.go, ValidateVolumeAttachment and ValidateVolumeAttachmentV1 */
export function validateAttachment(attachment: VolumeAttachment): FieldError[] {
  const errors = validateParts(attachment);
  const { attacher, source } = attachment.spec;
  checkDriverName(errors, attacher, SPEC.child("attacher"));
  const { persistentVolumeName: name } = source;
  if (name !== undefined) checkDnsSubdomain(errors, name, SPEC.child("source", "persistentVolumeName"));
  return errors;
}

/** The spec never changes, so that older, laxer ones may stay. */
export function validateAttachmentUpdate(attachment: VolumeAttachment, old: VolumeAttachment): FieldError[] {
  const errors: Errors = [...validateObjectMeta(attachment.metadata, { namespaced: false }), ...validateParts(attachment)];
  checkImmutable(errors, attachment.spec, old.spec, SPEC, goValue("VolumeAttachmentSpec", attachment.spec));
  return errors;
}

function validateParts({ spec, status }: VolumeAttachment): Errors {
  const errors: Errors = [];
  if (!spec.attacher) errors.push(fieldError.required(SPEC.child("attacher")));
  validateSource(errors, spec.source, SPEC.child("source"));
  checkDnsSubdomain(errors, spec.nodeName, SPEC.child("nodeName"));
  const bytes = Object.entries(status?.attachmentMetadata ?? {}).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes > MAX_METADATA_BYTES) errors.push(fieldError.tooLong(STATUS.child("attachmentMetadata"), MAX_METADATA_BYTES));
  for (const field of ["attachError", "detachError"] as const) if (status?.[field]) validateError(errors, status[field], STATUS.child(field));
  return errors;
}

function validateSource(errors: Errors, { inlineVolumeSpec: inline, persistentVolumeName: name }: VolumeAttachmentSource, path: FieldPath): void {
  if (!inline && name === undefined) errors.push(fieldError.required(path, ONE_SOURCE));
  else if (inline && name !== undefined) errors.push(fieldError.forbidden(path, ONE_SOURCE));
  else if (name === "") errors.push(fieldError.required(path.child("persistentVolumeName"), "must specify non empty persistentVolumeName"));
  else if (inline) validateInlineVolume(errors, inline, path.child("inlineVolumeSpec"));
}

function validateError(errors: Errors, { message = "", errorCode }: VolumeError, path: FieldPath): void {
  if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) errors.push(fieldError.tooLong(path.child("message"), MAX_METADATA_BYTES)); // upstream names the other limit
  if (errorCode !== undefined && errorCode < 0) {
    errors.push(fieldError.invalid(path.child("errorCode"), errorCode, `must be between 0 and ${2 ** 31 - 1}, inclusive`));
  }
}
