import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Subdomain } from "#apimachinery/validation/names.ts";

import { checkDnsLabel, type Errors } from "./checks.ts";
import type { PodSpecOptions } from "./options.ts";
import { isNegative } from "./quantities.ts";
import type { Volumes } from "./validate-mounts.ts";
import { validateProjected } from "./validate-projected.ts";
import { SOURCE_VALIDATORS } from "./volume-sources.ts";

/** @returns the volumes without a mistake, which mounts may name */
export function validateVolumes(
  errors: Errors,
  volumes: readonly core.Volume[],
  podName: string | undefined,
  options: PodSpecOptions,
  path: FieldPath,
): Volumes {
  const valid = new Map<string, core.Volume>();
  const claims = new Set(podName ? volumes.filter(({ ephemeral }) => ephemeral).map(({ name }) => `${podName}-${name}`) : []);
  for (const [i, volume] of volumes.entries()) {
    const at = path.index(i);
    const before = errors.length;
    validateSource(errors, volume, podName, options, at);
    if (!volume.name) errors.push(fieldError.required(at.child("name")));
    else checkDnsLabel(errors, volume.name, at.child("name"));
    if (valid.has(volume.name)) errors.push(fieldError.duplicate(at.child("name"), volume.name));
    if (errors.length === before) valid.set(volume.name, volume);
    const claimName = volume.persistentVolumeClaim?.claimName;
    if (claimName !== undefined && claims.has(claimName)) {
      const detail = "must not reference a PVC that gets created for an ephemeral volume";
      errors.push(fieldError.invalid(at.child("persistentVolumeClaim", "claimName"), claimName, detail));
    }
  }
  return valid;
}

/** Two sources are refused under names that differ from the field's, as upstream does. */
const SECOND_SOURCE_NAMES: Readonly<Record<string, string>> = { cephfs: "cephFS", downwardAPI: "downwarAPI" };
/** What the source's own mistakes are reported under, where it is not the field's name. */
const SOURCE_PATHS: Readonly<Record<string, string>> = { gcePersistentDisk: "persistentDisk" };

function validateSource(errors: Errors, volume: core.Volume, podName: string | undefined, options: PodSpecOptions, path: FieldPath): void {
  let sources = 0;
  if (volume.emptyDir) {
    sources++;
    const { sizeLimit } = volume.emptyDir;
    if (sizeLimit !== undefined && isNegative(sizeLimit)) {
      errors.push(fieldError.forbidden(path.child("emptyDir", "sizeLimit"), "SizeLimit field must be a valid resource quantity"));
    }
  }
  for (const [field, validate] of SOURCE_VALIDATORS) {
    const source = volume[field];
    if (source === undefined) continue;
    if (sources > 0) errors.push(fieldError.forbidden(path.child(SECOND_SOURCE_NAMES[field] ?? field), "may not specify more than 1 volume type"));
    else {
      sources++;
      const at = path.child(SOURCE_PATHS[field] ?? field);
      if (field === "projected") validateProjected(errors, source as core.ProjectedVolumeSource, options, at);
      else validate(errors, source, at, options);
      if (field === "ephemeral") checkClaimName(errors, volume.name, podName, path);
    }
    if (field === "iscsi") checkInitiator(errors, volume, path);
  }
  if (sources === 0) errors.push(fieldError.required(path, "must specify a volume type"));
}

const INITIATOR_MAX = 64;

function checkInitiator(errors: Errors, { name, iscsi }: core.Volume, path: FieldPath): void {
  if (iscsi?.initiatorName === undefined || `${name}:${iscsi.targetPortal}`.length <= INITIATOR_MAX) return;
  const detail = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
  errors.push(fieldError.invalid(path.child("name"), name, detail));
}

function checkClaimName(errors: Errors, name: string, podName: string | undefined, path: FieldPath): void {
  if (!podName || !name) return;
  const claim = `${podName}-${name}`;
  for (const message of isDns1123Subdomain(claim)) {
    errors.push(fieldError.invalid(path.child("name"), name, `PVC name ${JSON.stringify(claim)}: ${message}`));
  }
}
