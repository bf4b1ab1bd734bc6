import type { HorizontalPodAutoscaler as OlderAutoscaler } from "#api/autoscaling-v1/types.ts";
import type { HorizontalPodAutoscaler } from "#api/autoscaling-v2/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

import { applyAutoscalerDefaults } from "./defaults.ts";
import { hasRoundTrip, isOlderAutoscaler, newerAutoscaler, toNewer, toOlder, withoutRoundTrip } from "./older-version.ts";
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from "./validate.ts";

/** Of both versions. The older one is stored, checked and kept from change as the newer one would say it. */
type Autoscaler = HorizontalPodAutoscaler | OlderAutoscaler;

/** @see kubernetes pkg/registry/autoscaling/horizontalpodautoscaler/strategy.go */
export const autoscalerStrategy: Strategy<Autoscaler> = {
  applyDefaults(autoscaler) {
    if (!isOlderAutoscaler(autoscaler)) {
      applyAutoscalerDefaults(autoscaler);
      if (hasRoundTrip(autoscaler)) autoscaler.metadata = withoutRoundTrip(autoscaler) as Mutable<Autoscaler>["metadata"];
      return;
    }
    autoscaler.spec.minReplicas ??= 1;
    changeOlder(autoscaler, (newer) => newer); // its share of CPU has a default only beside no other metric
  },
  prepareForCreate(autoscaler) {
    if (isOlderAutoscaler(autoscaler)) changeOlder(autoscaler, (newer) => ({ ...newer, status: { desiredReplicas: 0 } }));
  },
  prepareForUpdate(autoscaler, old) {
    if (isOlderAutoscaler(autoscaler)) changeOlder(autoscaler, (newer) => ({ ...newer, status: newerAutoscaler(old).status }));
  },
  validateCreate: (autoscaler) => validateAutoscaler(newerAutoscaler(autoscaler)),
  validateUpdate: (autoscaler, old) => validateAutoscalerUpdate(newerAutoscaler(autoscaler), newerAutoscaler(old)),
  subresources: {
    status: {
      prepareForUpdate(autoscaler, old) {
        if (isOlderAutoscaler(autoscaler)) changeOlder(autoscaler, (newer) => ({ ...newer, spec: newerAutoscaler(old).spec }));
      },
      validateUpdate: (autoscaler) => validateAutoscalerStatus(newerAutoscaler(autoscaler)),
    },
  },
};

function changeOlder(autoscaler: Mutable<OlderAutoscaler>, change: (newer: HorizontalPodAutoscaler) => HorizontalPodAutoscaler): void {
  const { metadata, spec, status } = toOlder(change(toNewer(autoscaler)));
  Object.assign(autoscaler, { spec, status });
  if (metadata.annotations === undefined) delete autoscaler.metadata.annotations;
  else autoscaler.metadata.annotations = metadata.annotations;
}
