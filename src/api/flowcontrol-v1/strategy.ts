import type { FlowSchema, PriorityLevelConfiguration } from "#api/flowcontrol-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyFlowSchemaDefaults, applyPriorityLevelDefaults } from "./defaults.ts";
import { validateFlowSchema } from "./validate-flow-schema.ts";
import { validatePriorityLevel } from "./validate-priority-level.ts";

/** @see kubernetes pkg/registry/flowcontrol */
export const flowSchemaStrategy: Strategy<FlowSchema> = {
  hasGeneration: true,
  applyDefaults: applyFlowSchemaDefaults,
  validateCreate: validateFlowSchema,
  validateUpdate: validateFlowSchema,
};

export const priorityLevelStrategy: Strategy<PriorityLevelConfiguration> = {
  hasGeneration: true,
  applyDefaults: applyPriorityLevelDefaults,
  validateCreate: validatePriorityLevel,
  validateUpdate: validatePriorityLevel,
};
