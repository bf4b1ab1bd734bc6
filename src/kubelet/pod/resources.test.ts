import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { containerOf, podOf } from "#kubelet/testing/fixtures.ts";

import { podCgroup } from "./cgroups.ts";
import { containerResources, oomScoreAdjust, podResources, sharesOf, weightOf } from "./resources.ts";

const withResources = (...resources: object[]) => podOf({ containers: resources.map((each, i) => containerOf(`c${i}`, { resources: each })) });
const full = { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1", memory: "1Gi" } };

test("containerResources() gives shares for the request, quota and memory for the limits", () => {
  const resources = { requests: { cpu: "100m" }, limits: { cpu: "1500m", memory: "64Mi" } };
  assert.deepEqual(containerResources({ resources }), { cpuShares: 102, cpuQuota: 150_000, memoryBytes: 64 * 2 ** 20 });
  assert.deepEqual(containerResources({ resources: {} }), { cpuShares: 2 });
  assert.deepEqual(containerResources({ resources: { limits: { cpu: "1m" } } }), { cpuShares: 2, cpuQuota: 1000 });
});

test("podResources() sums main containers, takes the largest init container, and limits only where all are limited", () => {
  const part = (cpu: string) => ({ requests: { cpu }, limits: { cpu, memory: "10Mi" } });
  const containers = [containerOf("a", { resources: part("100m") }), containerOf("b", { resources: part("200m") })];
  const initContainers = [containerOf("side", { resources: part("50m"), restartPolicy: "Always" }), containerOf("init", { resources: part("400m") })];
  assert.deepEqual(podResources(podOf({ containers, initContainers })), { cpuShares: sharesOf(450), cpuQuota: 45_000, memoryBytes: 30 * 2 ** 20 });
  assert.deepEqual(podResources(podOf({ containers: [...containers, containerOf("free")] })), { cpuShares: sharesOf(300) });
});

test("weightOf() keeps within cgroup v2's range and never turns the order", () => {
  const shares = fc.integer({ min: 2, max: 262_144 });
  fc.assert(
    fc.property(shares, shares, (a, b) => {
      assert.ok(weightOf(a) >= 1 && weightOf(a) <= 10_000);
      assert.ok(a > b || weightOf(a) <= weightOf(b));
    }),
  );
});

for (const { name, resources, want } of [
  { name: "guaranteed", resources: full, want: -997 },
  { name: "best effort", resources: {}, want: 1000 },
  { name: "half the node's memory", resources: { requests: { memory: "2Gi" } }, want: 500 },
  { name: "nearly no memory", resources: { requests: { cpu: "1m" } }, want: 999 },
  { name: "more than the node's memory", resources: { requests: { memory: "8Gi" } }, want: 3 },
]) {
  test(`oomScoreAdjust() of ${name} is ${want}`, () => {
    const pod = withResources(resources);
    assert.equal(oomScoreAdjust(pod, pod.spec.containers[0] as never, 4 * 2 ** 30), want);
  });
}

test("podCgroup() stands below its class, a guaranteed one right below the root", () => {
  assert.equal(podCgroup("/kubepods", withResources({})), "/kubepods/besteffort/poduid-1");
  assert.equal(podCgroup("/kubepods", withResources(full)), "/kubepods/poduid-1");
});
