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
  canonicalize({ spec }) {
    // Upstream's storage does not tell an empty list from none, which is written as null.
    for (const { resourceRules } of spec.rules ?? []) {
      for (const rule of resourceRules ?? []) if (rule.namespaces?.length === 0) (rule as { namespaces: unknown }).namespaces = null;
    }
  },
};

export const priorityLevelStrategy: Strategy<PriorityLevelConfiguration> = {
  hasGeneration: true,
  applyDefaults: applyPriorityLevelDefaults,
  validateCreate: validatePriorityLevel,
  validateUpdate: validatePriorityLevel,
};
