import type { FlowSchema, PriorityLevelConfiguration } from "#api/flowcontrol-v1/types.ts";
import { resetMetadata } from "#api/reset-metadata.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";

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
  subresources: { status: { prepareForUpdate: resetMetadata, validateUpdate: validateStatus } },
};

export const priorityLevelStrategy: Strategy<PriorityLevelConfiguration> = {
  hasGeneration: true,
  applyDefaults: applyPriorityLevelDefaults,
  validateCreate: validatePriorityLevel,
  validateUpdate: validatePriorityLevel,
  subresources: { status: { prepareForUpdate: resetMetadata, validateUpdate: validateStatus } },
};

/** Conditions of one type are one. */
function validateStatus({ status }: FlowSchema | PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  const types = new Set<string>();
  for (const [i, { type = "" }] of (status?.conditions ?? []).entries()) {
    const path = new FieldPath("status.conditions").index(i).child("type");
    if (types.has(type)) errors.push(fieldError.duplicate(path, type));
    types.add(type);
    if (type === "") errors.push(fieldError.required(path));
  }
  return errors;
}
