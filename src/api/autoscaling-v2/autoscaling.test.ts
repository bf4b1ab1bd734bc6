import assert from "node:assert/strict";
import { test } from "node:test";

import type { Mutable, Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { told } from "#test/strategies/told.ts";

import { autoscalerStrategy } from "./strategy.ts";

const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };

for (const { strategy, given, want } of [
  {
    strategy: autoscalerStrategy,
    given: { spec: { scaleTargetRef, maxReplicas: 3 } },
    want: [],
  },
  {
    strategy: autoscalerStrategy,
    given: { apiVersion: "autoscaling/v1", spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 0 } },
    want: ["spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0"],
  },
  {
    strategy: autoscalerStrategy,
    given: { spec: { scaleTargetRef: { ...scaleTargetRef, apiVersion: "v1" }, maxReplicas: 3 } },
    want: ['spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group'],
  },
  {
    strategy: autoscalerStrategy,
    given: { spec: { scaleTargetRef, maxReplicas: 3, metrics: [{ type: "Pods" }] } },
    want: ["spec.metrics[0].pods: Required value: must populate information for the given metric source"],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}

test("autoscalerStrategy fills in both directions of a behavior", () => {
  const object = { metadata: { name: "x" }, spec: { scaleTargetRef, maxReplicas: 3, behavior: { scaleUp: { selectPolicy: "Min" } } } };
  (autoscalerStrategy as Strategy).applyDefaults?.(object as unknown as Mutable<KubeObject>);
  const behavior = object.spec.behavior as Record<string, { selectPolicy?: string; policies?: unknown[] }>;
  assert.equal(behavior["scaleUp"]?.selectPolicy, "Min");
  assert.equal(behavior["scaleUp"]?.policies?.length, 2);
  assert.equal(behavior["scaleDown"]?.policies?.length, 1);
});
