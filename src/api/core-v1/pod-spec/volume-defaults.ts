import type * as core from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { defaultPullPolicy } from "./image-reference.ts";
import { roundResourceList } from "./resource-list.ts";

const FILE_MODE = 0o644;
const TOKEN_SECONDS = 3600;

/** The defaults of one volume; a volume without any source is an empty directory. */
export function applyVolumeDefaults(volume: Mutable<core.Volume>): void {
  if (!hasSource(volume)) volume.emptyDir = {};
  if (volume.hostPath) volume.hostPath.type ??= "";
  if (volume.secret) volume.secret.defaultMode ??= FILE_MODE;
  if (volume.configMap) volume.configMap.defaultMode ??= FILE_MODE;
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= FILE_MODE;
    applyFileDefaults(volume.downwardAPI.items);
  }
  if (volume.projected) applyProjectedDefaults(volume.projected);
  if (volume.ephemeral?.volumeClaimTemplate) applyClaimSpecDefaults(volume.ephemeral.volumeClaimTemplate.spec);
  if (volume.image) volume.image.pullPolicy ||= defaultPullPolicy(volume.image.reference ?? "");
  if (volume.iscsi || volume.rbd || volume.azureDisk || volume.scaleIO) applyRemoteDefaults(volume);
}

function hasSource(volume: Mutable<core.Volume>): boolean {
  for (const field in volume) {
    if (field !== "name" && volume[field as keyof core.Volume] !== undefined) return true;
  }
  return false;
}

function applyFileDefaults(files: Mutable<core.DownwardAPIVolumeFile>[] | undefined): void {
  for (const file of files ?? []) if (file.fieldRef) file.fieldRef.apiVersion ||= "v1";
}

function applyProjectedDefaults(projected: Mutable<core.ProjectedVolumeSource>): void {
  projected.defaultMode ??= FILE_MODE;
  // Upstream's conversion turns an empty list here into none, which it writes as null.
  if (projected.sources?.length === 0) (projected as { sources: unknown }).sources = null;
  for (const source of projected.sources ?? []) {
    applyFileDefaults(source.downwardAPI?.items);
    if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= TOKEN_SECONDS;
  }
}

function applyRemoteDefaults({ iscsi, rbd, azureDisk, scaleIO }: Mutable<core.Volume>): void {
  if (iscsi) iscsi.iscsiInterface ||= "default";
  if (rbd) {
    rbd.pool ||= "rbd";
    rbd.user ||= "admin";
    rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= "ReadWrite";
    azureDisk.fsType ??= "ext4";
    azureDisk.readOnly ??= false;
    azureDisk.kind ??= "Shared";
  }
  if (scaleIO) {
    scaleIO.storageMode ||= "ThinProvisioned";
    scaleIO.fsType ||= "xfs";
  }
}

/** Of a claim, and of the templates that claims are made from. */
export function applyClaimSpecDefaults(spec: Mutable<core.PersistentVolumeClaimSpec>): void {
  spec.volumeMode ??= "Filesystem";
  roundResourceList(spec.resources?.limits);
  roundResourceList(spec.resources?.requests);
}
