import type { LimitRange } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";

import { applyLimitRangeDefaults } from "./defaults.ts";
import { validateLimitRange } from "./validate.ts";

/** @see kubernetes pkg/registry/core/limitrange/strategy.go */
export const limitRangeStrategy: Strategy<LimitRange> = {
  allowCreateOnUpdate: true,
  applyDefaults: applyLimitRangeDefaults,
  prepareForCreate({ metadata }) {
    metadata.name ||= metadata.uid; // limits need no name of their own
  },
  canonicalize({ spec }) {
    // Upstream's storage does not tell an empty list from none, which is written as null.
    if (!spec.limits?.length) (spec as { limits: unknown }).limits = null;
  },
  validateCreate: validateLimitRange,
  validateUpdate: (limitRange) => [...validateObjectMeta(limitRange.metadata, { namespaced: true }), ...validateLimitRange(limitRange)],
};
