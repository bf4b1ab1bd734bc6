import type { PersistentVolume } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

import { roundResourceList } from "../pod-spec/resource-list.ts";
import { validateVolume, validateVolumeUpdate } from "./validate.ts";
import { volumeWarnings } from "./warnings.ts";

/** @see kubernetes pkg/registry/core/persistentvolume/strategy.go */
export const persistentVolumeStrategy: Strategy<PersistentVolume> = {
  applyDefaults,
  prepareForCreate(volume, { now }) {
    volume.status = { phase: "Pending", lastPhaseTransitionTime: now };
  },
  validateCreate: validateVolume,
  validateUpdate: validateVolumeUpdate,
  warningsOnCreate: volumeWarnings,
  warningsOnUpdate: volumeWarnings,
  subresources: {
    status: {
      prepareForUpdate({ status }, old, { now }) {
        const isGiven = status.lastPhaseTransitionTime !== undefined && status.lastPhaseTransitionTime !== old.status.lastPhaseTransitionTime;
        if (status.phase !== old.status.phase && !isGiven) status.lastPhaseTransitionTime = now;
      },
    },
  },
};

function applyDefaults({ spec, status }: Mutable<PersistentVolume>): void {
  if (status) status.phase ||= "Pending";
  if (!spec) return;
  spec.persistentVolumeReclaimPolicy ||= "Retain";
  spec.volumeMode ??= "Filesystem";
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
