import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import type { ObjectMeta } from "#apimachinery/meta-v1/types.ts";
import { validateAnnotations, validateLabels } from "#apimachinery/validation/object-meta.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";
import { isDns1123Label, isDns1123Subdomain } from "#apimachinery/validation/names.ts";

import { checkAllowed, checkRequired, type Errors, pushInvalid } from "./checks.ts";
import { isNegative, isPositive, quantityText } from "./quantities.ts";

/** The claim that is made for a pod's ephemeral volume. */
export function validateClaimTemplate(errors: Errors, template: core.PersistentVolumeClaimTemplate, path: FieldPath): void {
  checkTemplateMetadata(errors, template.metadata, path.child("metadata"));
  validateClaimSpec(errors, template.spec, path.child("spec"));
}

/** A template says labels and annotations of what is made from it, and no more. */
export function checkTemplateMetadata(errors: Errors, metadata: Partial<ObjectMeta> | undefined, path: FieldPath): void {
  if (!metadata) return;
  errors.push(...validateAnnotations(metadata.annotations, path.child("annotations")));
  errors.push(...validateLabels(metadata.labels, path.child("labels")));
  for (const field of OBJECT_META_FIELDS) {
    if (metadata[field] !== undefined) errors.push(fieldError.forbidden(path.child(GO_FIELD_NAMES[field] ?? field), "cannot be set"));
  }
}

/** The metadata that a template may not set, in Go's order. */
const OBJECT_META_FIELDS = [
  "name",
  "generateName",
  "namespace",
  "selfLink",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "ownerReferences",
  "finalizers",
  "managedFields",
] as const;
const GO_FIELD_NAMES: Readonly<Record<string, string>> = { uid: "uID" };

const ACCESS_MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/** A claim's spec, of a template or of its own. */
export function validateClaimSpec(errors: Errors, spec: core.PersistentVolumeClaimSpec, path: FieldPath): void {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) errors.push(fieldError.required(path.child("accessModes"), "at least 1 access mode is required"));
  if (spec.selector) errors.push(...validateLabelSelector(spec.selector, path.child("selector")));
  for (const mode of modes) checkAllowed(errors, mode, ACCESS_MODES, path.child("accessModes"));
  if (modes.includes("ReadWriteOncePod") && modes.some((mode) => mode !== "ReadWriteOncePod" && ACCESS_MODES.includes(mode))) {
    errors.push(fieldError.forbidden(path.child("accessModes"), "may not use ReadWriteOncePod with other access modes"));
  }
  validateStorage(errors, spec.resources?.requests?.["storage"], path.child("resources").key("storage"));
  const { storageClassName, volumeMode, volumeAttributesClassName } = spec;
  if (storageClassName) pushInvalid(errors, path.child("storageClassName"), storageClassName, isDns1123Subdomain(storageClassName));
  if (volumeMode !== undefined) checkAllowed(errors, volumeMode, ["Block", "Filesystem"], path.child("volumeMode"));
  validateDataSources(errors, spec, path);
  if (volumeAttributesClassName) {
    pushInvalid(errors, path.child("volumeAttributesClassName"), volumeAttributesClassName, isDns1123Subdomain(volumeAttributesClassName));
  }
}

function validateStorage(errors: Errors, storage: string | undefined, path: FieldPath): void {
  if (storage === undefined) errors.push(fieldError.required(path));
  else if (!isPositive(storage)) errors.push(fieldError.invalid(path, quantityText(storage), "must be greater than zero"));
  else if (isNegative(storage)) errors.push(fieldError.invalid(path, quantityText(storage), "must be greater than or equal to 0"));
}

function validateDataSources(errors: Errors, { dataSource, dataSourceRef }: core.PersistentVolumeClaimSpec, path: FieldPath): void {
  if (dataSource) validateDataSource(errors, dataSource, path.child("dataSource"));
  if (dataSourceRef) {
    const at = path.child("dataSourceRef");
    validateDataSource(errors, dataSourceRef, at);
    if (dataSourceRef.namespace) pushInvalid(errors, at.child("namespace"), dataSourceRef.namespace, isDns1123Label(dataSourceRef.namespace));
  }
  if (!dataSource || !dataSourceRef) return;
  // Upstream hands over a path as the bad value, which prints as an empty object.
  if (dataSourceRef.namespace) errors.push(fieldError.invalid(path, {}, "may not be specified when dataSourceRef.namespace is specified"));
  else if (dataSource.apiGroup !== dataSourceRef.apiGroup || dataSource.kind !== dataSourceRef.kind || dataSource.name !== dataSourceRef.name) {
    errors.push(fieldError.invalid(path, {}, "must match dataSourceRef"));
  }
}

function validateDataSource(errors: Errors, source: core.TypedLocalObjectReference, path: FieldPath): void {
  checkRequired(errors, source.name, path, "name");
  checkRequired(errors, source.kind, path, "kind");
  if (!source.apiGroup && source.kind !== "PersistentVolumeClaim") {
    errors.push(fieldError.invalid(path, source.kind ?? "", "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  }
  if (source.apiGroup) pushInvalid(errors, path.child("apiGroup"), source.apiGroup, isDns1123Subdomain(source.apiGroup));
}
