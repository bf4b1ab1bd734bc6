import assert from "node:assert/strict";
import { test } from "node:test";

import type { HorizontalPodAutoscaler as Older } from "#api/autoscaling-v1/types.ts";
import type { HorizontalPodAutoscaler } from "#api/autoscaling-v2/types.ts";
import type { Mutable, StrategyContext } from "#api/strategy.ts";

import { toNewer, toOlder } from "./older-version.ts";
import { autoscalerStrategy } from "./strategy.ts";

const metadata = { name: "web" };
const scaleTargetRef = { kind: "Deployment", name: "web", apiVersion: "apps/v1" };
const cpu = (averageUtilization: number) => ({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } });
const older = (fields: object = {}, annotations?: Record<string, string>): Older =>
  ({
    apiVersion: "autoscaling/v1",
    metadata: { ...metadata, ...(annotations && { annotations }) },
    spec: { scaleTargetRef, maxReplicas: 3 },
    status: {},
    ...fields,
  }) as unknown as Older;
const newer = (spec: object, status: object = {}): HorizontalPodAutoscaler =>
  ({ apiVersion: "autoscaling/v2", metadata, spec: { scaleTargetRef, maxReplicas: 3, ...spec }, status }) as unknown as HorizontalPodAutoscaler;

const pods = { type: "Pods", pods: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "5" } } };
const METRICS = "autoscaling.alpha.kubernetes.io/metrics";

test("toNewer() makes a metric of the share of CPU, or of the default where nothing else is asked", () => {
  assert.deepEqual(toNewer(older({ spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } })).spec.metrics, [cpu(50)]);
  assert.deepEqual(toNewer(older()).spec.metrics, [cpu(80)]);
});

for (const { name, text, want } of [
  { name: "reads other metrics", text: '[{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"5"}}]', want: [pods] },
  { name: "leaves out what is no JSON", text: "[{", want: [cpu(80)] },
  { name: "leaves out what is of another type", text: '[{"type":5}]', want: [cpu(80)] },
]) {
  test(`toNewer() ${name} in an annotation, and takes that away`, () => {
    const { metadata: made, spec } = toNewer(older({}, { [METRICS]: text, mine: "kept" }));
    assert.deepEqual(spec.metrics, want);
    assert.deepEqual(made.annotations, { mine: "kept" });
  });
}

for (const { name, spec, status } of [
  { name: "metrics of every sort", spec: { metrics: everyMetric() } },
  { name: "CPU beside others", spec: { metrics: [pods, cpu(40)] } },
  {
    name: "behavior",
    spec: { metrics: [cpu(80)], behavior: { scaleUp: { selectPolicy: "Max", policies: [{ type: "Pods", value: 4, periodSeconds: 15 }], tolerance: "100m" } } },
  },
  {
    name: "current metrics and conditions",
    spec: { metrics: [cpu(80)] },
    status: {
      desiredReplicas: 1,
      currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageValue: "5m", averageUtilization: 7 } } }],
      conditions: [{ type: "AbleToScale", status: "True", lastTransitionTime: "2026-01-02T03:04:05Z", reason: "A", message: "<b>" }],
    },
  },
]) {
  test(`toOlder() and back keeps ${name}`, () => {
    const { spec: want, status: told } = newer(spec, { desiredReplicas: 0, currentMetrics: null, ...status });
    const back = toNewer(toOlder(newer(spec, status)));
    assert.deepEqual(back.spec, want);
    assert.deepEqual(back.status, told);
  });
}

test("toOlder() writes annotations as Go would", () => {
  const { metadata: made, status } = toOlder(
    newer(
      { behavior: { scaleUp: { selectPolicy: "Max" } } },
      {
        currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 7 } } }],
        conditions: [{ type: "A", status: "True", message: "a<b" }],
      },
    ),
  );
  assert.deepEqual(made.annotations, {
    "autoscaling.alpha.kubernetes.io/current-metrics":
      '[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":7,"currentAverageValue":"0"}}]',
    "autoscaling.alpha.kubernetes.io/behavior":
      '{"ScaleUp":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max","Policies":null,"Tolerance":null},"ScaleDown":null}',
    "autoscaling.alpha.kubernetes.io/conditions": '[{"type":"A","status":"True","lastTransitionTime":null,"message":"a\\u003cb"}]',
  });
  assert.equal(status.currentCPUUtilizationPercentage, 7);
});

test("autoscalerStrategy keeps the status of an older version's annotations from changing with the spec", () => {
  const standing = toOlder(newer({ metrics: [cpu(50)] }, { conditions: [{ type: "A", status: "True" }] }));
  const asked = older({ spec: { scaleTargetRef, maxReplicas: 9, targetCPUUtilizationPercentage: 50 } });
  autoscalerStrategy.prepareForUpdate?.(asked as Mutable<Older>, standing, {} as StrategyContext);
  assert.equal(asked.spec.maxReplicas, 9);
  assert.deepEqual(asked.metadata.annotations, standing.metadata.annotations);
});

function everyMetric(): object[] {
  const metric = { name: "m", selector: { matchLabels: { a: "b" } } };
  return [
    { type: "Object", object: { describedObject: scaleTargetRef, target: { type: "AverageValue", value: "1", averageValue: "2" }, metric } },
    { type: "Pods", pods: { metric, target: { type: "AverageValue", averageValue: "5" } } },
    { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } },
    { type: "ContainerResource", containerResource: { name: "cpu", target: { type: "Utilization", averageUtilization: 4 }, container: "c" } },
    { type: "External", external: { metric, target: { type: "Value", value: "3" } } },
  ];
}
