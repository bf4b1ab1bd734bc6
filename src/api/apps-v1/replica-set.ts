import type { ReplicaSet } from "#api/apps-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyReplicaSetDefaults } from "./defaults.ts";

/** @see kubernetes pkg/registry/apps/replicaset/strategy.go */
export const replicaSetStrategy: Strategy<ReplicaSet> = {
  applyDefaults: applyReplicaSetDefaults,
  hasGeneration: true,
};
