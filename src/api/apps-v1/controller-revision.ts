import type { ControllerRevision } from "#api/apps-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

/** @see kubernetes pkg/registry/apps/controllerrevision/strategy.go */
export const controllerRevisionStrategy: Strategy<ControllerRevision> = {};
