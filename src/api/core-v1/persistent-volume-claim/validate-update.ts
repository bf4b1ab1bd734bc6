import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "#api/core-v1/types.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { Mutable } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

import { goDiff } from "../pod/spec-diff.ts";
import type { Errors } from "../pod-spec/checks.ts";
import { compareQuantities } from "../pod-spec/quantities.ts";
import { validateClaimSpec } from "../pod-spec/validate-claim.ts";

const SPEC = new FieldPath("spec");
const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";

/** @see kubernetes pkg/apis/core/validation/validation.go ValidatePersistentVolumeClaimUpdate */
export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors: Errors = [];
  validateClaimSpec(errors, claim.spec, SPEC);
  if (!isClassMoved(claim, old)) {
    const key = CLASS_ANNOTATION;
    const [now, before] = [claim.metadata.annotations?.[key] ?? "", old.metadata.annotations?.[key] ?? ""];
    checkImmutable(errors, now, before, new FieldPath("metadata.annotations").key(key));
  }
  const [allowed, before] = comparable(claim, old);
  if (!sameJson(allowed, before)) {
    const why = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.push(fieldError.forbidden(SPEC, `${why}\n${goDiff("PersistentVolumeClaimSpec", before, allowed)}`));
  }
  checkSize(errors, claim, old);
  checkImmutable(errors, claim.spec.volumeMode, old.spec.volumeMode, new FieldPath("volumeMode"));
  checkAttributesClass(errors, claim, old);
  return errors;
}

/** The class goes over from the annotation into its field. */
function isClassMoved({ metadata, spec }: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const before = old.metadata.annotations?.[CLASS_ANNOTATION];
  const now = metadata.annotations?.[CLASS_ANNOTATION];
  return before !== undefined && old.spec.storageClassName === undefined && spec.storageClassName === before && (now === undefined || now === before);
}

/** Both specs, made the same in what may change. */
function comparable(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): [PersistentVolumeClaimSpec, PersistentVolumeClaimSpec] {
  const now = structuredClone(claim.spec) as Mutable<PersistentVolumeClaimSpec>;
  const before = structuredClone(old.spec) as Mutable<PersistentVolumeClaimSpec>;
  if (!before.volumeName && now.volumeName !== undefined) before.volumeName = now.volumeName;
  const annotated = old.metadata.annotations?.[CLASS_ANNOTATION];
  if (isClassMoved(claim, old)) delete now.storageClassName;
  else if (before.storageClassName === undefined && now.storageClassName !== undefined && (annotated === undefined || annotated === now.storageClassName)) {
    delete now.storageClassName;
  }
  if (claim.status.phase === "Bound") {
    const size = before.resources?.requests?.["storage"];
    if (now.resources?.requests && size !== undefined) now.resources.requests["storage"] = size;
    if (before.volumeAttributesClassName === undefined) delete now.volumeAttributesClassName;
    else now.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  return [now as PersistentVolumeClaimSpec, before as PersistentVolumeClaimSpec];
}

/** A request may shrink to recover from an expansion that failed, but not below what there is. */
function checkSize(errors: Errors, { spec }: PersistentVolumeClaim, old: PersistentVolumeClaim): void {
  const size = spec.resources?.requests?.["storage"] ?? "0";
  if (compareQuantities(size, old.spec.resources?.requests?.["storage"] ?? "0") >= 0) return;
  if (compareQuantities(size, old.status.capacity?.["storage"] ?? "0") > 0) return;
  errors.push(fieldError.forbidden(SPEC.child("resources", "requests", "storage"), "field can not be less than status.capacity"));
}

function checkAttributesClass(errors: Errors, { spec }: PersistentVolumeClaim, old: PersistentVolumeClaim): void {
  const name = spec.volumeAttributesClassName;
  if (name === old.spec.volumeAttributesClassName || old.status.currentVolumeAttributesClassName === undefined) return;
  const refuse = (what: string) =>
    errors.push(
      fieldError.forbidden(SPEC.child("volumeAttributesClassName"), `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`),
    );
  if (name === undefined) refuse("nil");
  else if (name === "") refuse("empty string");
}
