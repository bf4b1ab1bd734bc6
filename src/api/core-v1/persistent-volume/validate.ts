import type { PersistentVolume, PersistentVolumeSpec, VolumeNodeAffinity } from "#api/core-v1/types.ts";
import { checkImmutable } from "#api/immutable.ts";
import { wasEmptied } from "#apimachinery/decode/emptied.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Subdomain } from "#apimachinery/validation/names.ts";
import { sameJson } from "#lib/same-json.ts";

import { goDiff } from "../pod/spec-diff.ts";
import { checkAllowed, type Errors, pushInvalid, sortedEntries, sortedMap } from "../pod-spec/checks.ts";
import { isNegative, isPositive, quantityText, wholeUnits } from "../pod-spec/quantities.ts";
import { validateNodeSelector } from "../pod-spec/validate-scheduling.ts";
import { SOURCES, validateSources } from "./validate-sources.ts";

const SPEC = new FieldPath("spec");
const MODES = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const MOUNT_OPTIONS = "volume.beta.kubernetes.io/mount-options";
/** The sources that can be mounted with options. */
const MOUNTABLE = [
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "nfs",
  "rbd",
  "quobyte",
  "iscsi",
  "cinder",
  "cephfs",
  "azureFile",
  "vsphereVolume",
  "azureDisk",
  "photonPersistentDisk",
] as const;

/** @see kubernetes pkg/apis/core/validation/validation.go ValidatePersistentVolume */
export function validateVolume(volume: PersistentVolume): FieldError[] {
  return [...validateSpec(volume), ...validateMountOptions(volume)];
}

export function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const spec = validateSpec(volume);
  // Upstream checks the volume twice on the way.
  const errors: Errors = [...spec, ...validateMountOptions(volume), ...spec];
  const [now, before] = [sourcesOf(volume.spec, old.spec), sourcesOf(old.spec, old.spec)];
  if (!sameJson(now, before)) {
    const why = `spec.persistentvolumesource is immutable after creation\n${goDiff("PersistentVolumeSource", before, now)}`;
    errors.push(fieldError.forbidden(SPEC.child("persistentvolumesource"), why));
  }
  checkImmutable(errors, volume.spec.volumeMode, old.spec.volumeMode, new FieldPath("volumeMode"));
  if (old.spec.nodeAffinity && !sameJson(volume.spec.nodeAffinity, old.spec.nodeAffinity)) {
    errors.push(fieldError.invalid(new FieldPath("nodeAffinity"), volume.spec.nodeAffinity, "field is immutable, except for updating from beta label to GA"));
  }
  if (old.spec.volumeAttributesClassName !== undefined && volume.spec.volumeAttributesClassName === undefined) {
    errors.push(fieldError.forbidden(SPEC.child("volumeAttributesClassName"), "update from non-nil value to nil is forbidden"));
  }
  return errors;
}

/** The source; a secret to expand volumes with may be added. */
function sourcesOf(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): unknown {
  const sources: Record<string, unknown> = Object.fromEntries(SOURCES.map((name) => [name, spec[name]]));
  if (spec.csi && old.csi && old.csi.controllerExpandSecretRef === undefined) sources["csi"] = { ...spec.csi, controllerExpandSecretRef: undefined };
  return sources;
}

function validateSpec({ metadata, spec }: PersistentVolume): FieldError[] {
  const errors: Errors = [];
  validateModes(errors, spec.accessModes ?? [], SPEC);
  validateCapacity(errors, spec.capacity ?? {}, wasEmptied(spec, "capacity"));
  const policy = spec.persistentVolumeReclaimPolicy ?? "";
  if (policy !== "") checkAllowed(errors, policy, ["Delete", "Recycle", "Retain"], SPEC.child("persistentVolumeReclaimPolicy"));
  if (spec.nodeAffinity) validateAffinity(errors, spec.nodeAffinity, SPEC.child("nodeAffinity"));
  validateSources(errors, spec, metadata.name, SPEC);
  checkRecycled(errors, spec, SPEC);
  if (spec.storageClassName) pushInvalid(errors, SPEC.child("storageClassName"), spec.storageClassName, isDns1123Subdomain(spec.storageClassName));
  if (spec.volumeMode !== undefined) checkAllowed(errors, spec.volumeMode, ["Block", "Filesystem"], SPEC.child("volumeMode"));
  validateAttributesClass(errors, spec);
  return errors;
}

/** A volume that is described where it is used: one of a driver's, which nobody claims. */
export function validateInlineVolume(errors: Errors, spec: PersistentVolumeSpec, path: FieldPath): void {
  const refuse = (field: string, why: string) => errors.push(fieldError.forbidden(path.child(field), `${why} in the context of inline volumes`));
  const { claimRef, capacity, csi, persistentVolumeReclaimPolicy: policy, nodeAffinity, storageClassName, volumeMode } = spec;
  if (claimRef) refuse("claimRef", "may not be specified");
  if (Object.keys(capacity ?? {}).length > 0) refuse("capacity", "may not be specified");
  if (!csi) errors.push(fieldError.required(path.child("csi"), "has to be specified in the context of inline volumes"));
  validateModes(errors, spec.accessModes ?? [], path);
  if (policy && policy !== "Retain") refuse("persistentVolumeReclaimPolicy", "may only be Retain");
  if (nodeAffinity) refuse("nodeAffinity", "may not be specified");
  validateSources(errors, spec, "", path);
  checkRecycled(errors, spec, path);
  if (storageClassName) refuse("storageClassName", "may not be specified");
  if (volumeMode !== undefined && volumeMode !== "Filesystem") refuse("volumeMode", "may not specify volumeMode other than Filesystem");
}

function checkRecycled(errors: Errors, { persistentVolumeReclaimPolicy: policy, hostPath }: PersistentVolumeSpec, path: FieldPath): void {
  if (policy !== "Recycle" || !hostPath?.path || !/^[/.]*\/[/.]*$/.test(hostPath.path)) return;
  errors.push(fieldError.forbidden(path.child("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'"));
}

function validateModes(errors: Errors, modes: readonly string[], spec: FieldPath): void {
  const path = spec.child("accessModes");
  if (modes.length === 0) errors.push(fieldError.required(path));
  for (const mode of modes) checkAllowed(errors, mode, MODES, path);
  if (modes.includes("ReadWriteOncePod") && modes.some((mode) => mode !== "ReadWriteOncePod" && MODES.includes(mode))) {
    errors.push(fieldError.forbidden(path, "may not use ReadWriteOncePod with other access modes"));
  }
}

/** @param isGiven whether it was sent, and be it without anything */
function validateCapacity(errors: Errors, capacity: Readonly<Record<string, string>>, isGiven: boolean): void {
  const path = SPEC.child("capacity");
  const names = Object.keys(capacity);
  if (names.length === 0) errors.push(fieldError.required(path));
  if (!names.includes("storage") || names.length > 1) {
    const told = names.length === 0 && !isGiven ? undefined : sortedMap(Object.fromEntries(names.map((name) => [name, quantityText(capacity[name]!)])));
    errors.push(fieldError.notSupported(path, told, ["storage"]));
  }
  for (const [name, quantity] of sortedEntries(capacity)) {
    const at = path.key(name);
    if (isNegative(quantity)) errors.push(fieldError.invalid(at, Number(wholeUnits(quantity)), "must be a valid resource quantity"));
    if (!isPositive(quantity)) errors.push(fieldError.invalid(at, quantityText(quantity), "must be greater than zero"));
  }
}

function validateAffinity(errors: Errors, { required }: VolumeNodeAffinity, path: FieldPath): void {
  if (required) validateNodeSelector(errors, required, false, path.child("required"));
  else errors.push(fieldError.required(path.child("required"), "must specify required node constraints"));
}

function validateAttributesClass(errors: Errors, { volumeAttributesClassName: name, csi }: PersistentVolumeSpec): void {
  if (name === undefined) return;
  const path = SPEC.child("volumeAttributesClassName");
  if (name === "") errors.push(fieldError.required(path, "an empty string is disallowed"));
  else pushInvalid(errors, path, name, isDns1123Subdomain(name));
  if (!csi) errors.push(fieldError.required(SPEC.child("csi"), "has to be specified when using volumeAttributesClassName"));
}

function validateMountOptions({ metadata, spec }: PersistentVolume): FieldError[] {
  if (metadata.annotations?.[MOUNT_OPTIONS] === undefined || MOUNTABLE.some((source) => spec[source] !== undefined)) return [];
  return [fieldError.forbidden(new FieldPath("metadata.annotations").child(MOUNT_OPTIONS), "may not specify mount options for this volume type")];
}
