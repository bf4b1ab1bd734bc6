import type { Deployment } from "#api/apps-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyDeploymentDefaults } from "./defaults.ts";

/** @see kubernetes pkg/registry/apps/deployment/strategy.go */
export const deploymentStrategy: Strategy<Deployment> = {
  applyDefaults: applyDeploymentDefaults,
  hasGeneration: true,
};
