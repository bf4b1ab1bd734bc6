import type { StatefulSet } from "#api/apps-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyStatefulSetDefaults } from "./defaults.ts";

/** @see kubernetes pkg/registry/apps/statefulset/strategy.go */
export const statefulSetStrategy: Strategy<StatefulSet> = {
  applyDefaults: applyStatefulSetDefaults,
  hasGeneration: true,
};
