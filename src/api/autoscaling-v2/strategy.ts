import type { HorizontalPodAutoscaler } from "#api/autoscaling-v2/types.ts";
import type { HorizontalPodAutoscaler as OlderAutoscaler } from "#api/autoscaling-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

import { applyAutoscalerDefaults } from "./defaults.ts";
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from "./validate.ts";

const CPU_PERCENT = 80;

/** Of both versions: the older one knows a share of CPU as its only metric. */
type Autoscaler = HorizontalPodAutoscaler | OlderAutoscaler;

/** @see kubernetes pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go */
export const autoscalerStrategy: Strategy<Autoscaler> = {
  applyDefaults(autoscaler) {
    if (!isOlder(autoscaler)) return applyAutoscalerDefaults(autoscaler);
    autoscaler.spec.minReplicas ??= 1;
    autoscaler.spec.targetCPUUtilizationPercentage ??= CPU_PERCENT;
  },
  validateCreate: (autoscaler) => validateAutoscaler(newer(autoscaler)),
  validateUpdate: (autoscaler, old) => validateAutoscalerUpdate(newer(autoscaler), newer(old)),
  subresources: { status: { validateUpdate: (autoscaler) => validateAutoscalerStatus(newer(autoscaler)) } },
};

function isOlder(autoscaler: Autoscaler | Mutable<Autoscaler>): autoscaler is Mutable<OlderAutoscaler> {
  return autoscaler.apiVersion === "autoscaling/v1";
}

/** As the newer version says it. */
function newer(autoscaler: Autoscaler): HorizontalPodAutoscaler {
  if (!isOlder(autoscaler)) return autoscaler as HorizontalPodAutoscaler;
  const { targetCPUUtilizationPercentage: averageUtilization, ...spec } = autoscaler.spec;
  const resource = { name: "cpu", target: { type: "Utilization", averageUtilization } };
  const { metadata, status } = autoscaler;
  return { metadata, spec: { ...spec, metrics: [{ type: "Resource", resource }] }, status } as HorizontalPodAutoscaler;
}
