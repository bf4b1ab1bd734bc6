import type { Pod } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyPodDefaults } from "./defaults.ts";

/** @see kubernetes pkg/registry/core/pod/strategy.go */
export const podStrategy: Strategy<Pod> = {
  applyDefaults: applyPodDefaults,
  hasGeneration: true,
};
