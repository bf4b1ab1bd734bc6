import type { PodTemplate } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { applyPodSpecDefaults } from "../pod-spec/defaults.ts";

/** @see kubernetes pkg/registry/core/podtemplate/strategy.go */
export const podTemplateStrategy: Strategy<PodTemplate> = {
  applyDefaults: ({ template }) => {
    if (template?.spec) applyPodSpecDefaults(template.spec);
  },
  hasGeneration: true,
};
