import assert from "node:assert/strict";
import { test } from "node:test";

import type { DaemonSet, Deployment, StatefulSet } from "#api/apps-v1/types.ts";
import type { Mutable, Strategy, StrategyContext } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { daemonSetStrategy, templateGeneration } from "./daemon-set.ts";
import { deploymentStrategy } from "./deployment.ts";
import { statefulSetStrategy } from "./stateful-set.ts";

const CONTEXT: StrategyContext = { now: "2026-01-01T00:00:00Z", user: { name: "u", uid: "", groups: [], extra: {} } };
const TEMPLATE = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "main", image: "a:1", resources: {} }] } };

/** An object as the registry hands it over. */
function made<T extends KubeObject>(strategy: Strategy<T>, spec: object = {}): T {
  const selector = { matchLabels: { app: "x" } };
  const draft = {
    metadata: { name: "x", namespace: "n" },
    spec: structuredClone({ selector, template: TEMPLATE, ...spec }),
    status: {},
  } as unknown as Mutable<T>;
  strategy.applyDefaults!(draft);
  strategy.prepareForCreate!(draft, CONTEXT);
  return draft as T;
}

const told = (errors: readonly { field: string; text: string }[]) => errors.map(({ field, text }) => `${field}: ${text}`);

test("deploymentStrategy defaults a rolling update", () => {
  const { spec } = made<Deployment>(deploymentStrategy);
  assert.deepEqual(spec.strategy, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } });
  assert.equal(spec.replicas, 1);
  assert.equal(spec.template.spec.dnsPolicy, "ClusterFirst");
  assert.equal(spec.template.spec.enableServiceLinks, undefined);
});

for (const { name, spec, want } of [
  { name: "no selector", spec: { selector: null }, want: ["spec.selector: Required value"] },
  { name: "negative replicas", spec: { replicas: -1 }, want: ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"] },
  {
    name: "a deadline below the ready time",
    spec: { minReadySeconds: 600 },
    want: ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"],
  },
  {
    name: "an update that cannot move",
    spec: { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } },
    want: ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
  },
]) {
  test(`deploymentStrategy.validateCreate() refuses ${name}`, () => {
    const errors = told(deploymentStrategy.validateCreate!(made<Deployment>(deploymentStrategy, spec)));
    assert.deepEqual(errors.slice(0, want.length), want);
  });
}

test("deploymentStrategy.validateUpdate() keeps the selector", () => {
  const old = made<Deployment>(deploymentStrategy);
  const other = { matchLabels: { app: "x", tier: "y" } };
  const template = { ...TEMPLATE, metadata: { labels: { app: "x", tier: "y" } } };
  const errors = deploymentStrategy.validateUpdate!(made<Deployment>(deploymentStrategy, { selector: other, template }), old);
  assert.deepEqual(told(errors), ['spec.selector: Invalid value: {"matchLabels":{"app":"x","tier":"y"}}: field is immutable']);
});

test("statefulSetStrategy.validateUpdate() names what may change", () => {
  const errors = statefulSetStrategy.validateUpdate!(made<StatefulSet>(statefulSetStrategy, { serviceName: "b" }), made<StatefulSet>(statefulSetStrategy));
  assert.match(told(errors).join(), /^spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template'/);
});

test("daemonSetStrategy counts changes of the template", () => {
  const old = made<DaemonSet>(daemonSetStrategy);
  assert.equal(templateGeneration(old), 1);
  const same = structuredClone(old) as Mutable<DaemonSet>;
  daemonSetStrategy.prepareForUpdate!(same, old, CONTEXT);
  assert.equal(templateGeneration(same), 1);
  const changed = structuredClone(old) as Mutable<DaemonSet>;
  changed.spec.template.spec.hostNetwork = true;
  daemonSetStrategy.prepareForUpdate!(changed, old, CONTEXT);
  assert.equal(templateGeneration(changed), 2);
});
