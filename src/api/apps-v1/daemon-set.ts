import type { DaemonSet } from "#api/apps-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyDaemonSetDefaults } from "./defaults.ts";

/** @see kubernetes pkg/registry/apps/daemonset/strategy.go */
export const daemonSetStrategy: Strategy<DaemonSet> = {
  applyDefaults: applyDaemonSetDefaults,
  hasGeneration: true,
};
