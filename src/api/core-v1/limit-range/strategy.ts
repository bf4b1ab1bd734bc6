import type { LimitRange } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";

import { applyLimitRangeDefaults } from "./defaults.ts";
import { validateLimitRange } from "./validate.ts";

/** @see kubernetes pkg/registry/core/limitrange/strategy.go */
export const limitRangeStrategy: Strategy<LimitRange> = {
  allowCreateOnUpdate: true,
  applyDefaults: applyLimitRangeDefaults,
  validateCreate: validateLimitRange,
  validateUpdate: (limitRange) => [...validateObjectMeta(limitRange.metadata, { namespaced: true }), ...validateLimitRange(limitRange)],
};
