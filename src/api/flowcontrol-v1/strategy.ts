import type { FlowSchema, PriorityLevelConfiguration } from "#api/flowcontrol-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyFlowSchemaDefaults, applyPriorityLevelDefaults } from "./defaults.ts";

/** @see kubernetes pkg/registry/flowcontrol */
export const flowSchemaStrategy: Strategy<FlowSchema> = { applyDefaults: applyFlowSchemaDefaults };
export const priorityLevelStrategy: Strategy<PriorityLevelConfiguration> = { applyDefaults: applyPriorityLevelDefaults };
