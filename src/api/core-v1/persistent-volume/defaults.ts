import type { PersistentVolume, PersistentVolumeSpec } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { roundResourceList } from "../pod-spec/resource-list.ts";

/** @see kubernetes pkg/apis/core/v1/defaults.go */
export function applyVolumeDefaults({ spec, status }: Mutable<PersistentVolume>): void {
  if (status) status.phase ||= "Pending";
  if (!spec) return;
  spec.persistentVolumeReclaimPolicy ||= "Retain";
  spec.volumeMode ??= "Filesystem";
  applyVolumeSourceDefaults(spec);
}

/** What a volume has by default wherever it is described. */
export function applyVolumeSourceDefaults(spec: Mutable<PersistentVolumeSpec>): void {
  roundResourceList(spec.capacity);
  const { hostPath, iscsi, rbd, scaleIO, azureDisk } = spec;
  if (hostPath) hostPath.type ??= "";
  if (iscsi) iscsi.iscsiInterface ||= "default";
  if (rbd) {
    rbd.pool ||= "rbd";
    rbd.user ||= "admin";
    rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (scaleIO) {
    scaleIO.storageMode ||= "ThinProvisioned";
    scaleIO.fsType ||= "xfs";
  }
  if (!azureDisk) return;
  azureDisk.cachingMode ??= "ReadWrite";
  azureDisk.fsType ??= "ext4";
  azureDisk.readOnly ??= false;
  azureDisk.kind ??= "Shared";
}
