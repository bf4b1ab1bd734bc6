import type { PersistentVolume } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyVolumeDefaults } from "./defaults.ts";
import { validateVolume, validateVolumeUpdate } from "./validate.ts";
import { volumeWarnings } from "./warnings.ts";

/** @see kubernetes pkg/registry/core/persistentvolume/strategy.go */
export const persistentVolumeStrategy: Strategy<PersistentVolume> = {
  applyDefaults: applyVolumeDefaults,
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
