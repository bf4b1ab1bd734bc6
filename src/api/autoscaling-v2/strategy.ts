import type { HorizontalPodAutoscaler } from "#api/autoscaling-v2/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

import { applyAutoscalerDefaults } from "./defaults.ts";

const CPU_PERCENT = 80;

/** @see kubernetes pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go */
export const autoscalerStrategy: Strategy<HorizontalPodAutoscaler> = {
  applyDefaults(autoscaler) {
    if (autoscaler.apiVersion !== "autoscaling/v1") return applyAutoscalerDefaults(autoscaler);
    const spec = autoscaler.spec as Mutable<{ minReplicas?: number; targetCPUUtilizationPercentage?: number }>;
    spec.minReplicas ??= 1;
    spec.targetCPUUtilizationPercentage ??= CPU_PERCENT;
  },
};
