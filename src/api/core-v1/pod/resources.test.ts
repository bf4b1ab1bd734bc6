import assert from "node:assert/strict";
import { test } from "node:test";

import type { PodSpec } from "#api/core-v1/types.ts";

import { podLimits, podRequests, qosClass } from "./resources.ts";

type Resources = { requests?: Record<string, string>; limits?: Record<string, string> };
const container = (resources: Resources, restartPolicy?: string) => ({ name: "c", resources, ...(restartPolicy && { restartPolicy }) });
const spec = (containers: Resources[], rest: Partial<PodSpec> = {}): PodSpec => ({ containers: containers.map((r) => container(r)), ...rest });

test("podRequests() adds containers up", () => {
  assert.deepEqual(podRequests(spec([{ requests: { cpu: "500m", memory: "64Mi" } }, { requests: { cpu: "1" } }])), { cpu: "1500m", memory: "64Mi" });
});

test("podRequests() takes the largest moment of the start, sidecars included", () => {
  const initContainers = [container({ requests: { cpu: "100m" } }, "Always"), container({ requests: { cpu: "2" } })];
  assert.deepEqual(podRequests(spec([{ requests: { cpu: "1" } }], { initContainers })), { cpu: "2100m" });
  assert.deepEqual(podRequests(spec([{ requests: { cpu: "3" } }], { initContainers })), { cpu: "3100m" });
});

test("podRequests() prefers what is said for the pod, and adds overhead", () => {
  const rest = { resources: { requests: { cpu: "4" } }, overhead: { cpu: "250m" } };
  assert.deepEqual(podRequests(spec([{ requests: { cpu: "1", "example.com/gpu": "1" } }], rest)), { cpu: "4250m", "example.com/gpu": "1" });
});

test("podLimits() adds overhead to limits that are set", () => {
  assert.deepEqual(podLimits(spec([{ limits: { cpu: "1" } }], { overhead: { cpu: "1", memory: "1Mi" } })), { cpu: "2" });
});

const both = { cpu: "1", memory: "1Gi" };
for (const { name, pod, want } of [
  { name: "nothing asked for", pod: spec([{}]), want: "BestEffort" },
  { name: "zeros", pod: spec([{ requests: { cpu: "0" } }]), want: "BestEffort" },
  { name: "requests only", pod: spec([{ requests: both }]), want: "Burstable" },
  { name: "limits equal to requests", pod: spec([{ requests: both, limits: both }]), want: "Guaranteed" },
  { name: "equal in value", pod: spec([{ requests: { cpu: "1000m", memory: "1Gi" }, limits: both }]), want: "Guaranteed" },
  { name: "one container without limits", pod: spec([{ requests: both, limits: both }, {}]), want: "Burstable" },
  { name: "a pod as a whole", pod: spec([{}], { resources: { requests: both, limits: both } }), want: "Guaranteed" },
  { name: "other resources only", pod: spec([{ requests: { "example.com/gpu": "1" } }]), want: "BestEffort" },
]) {
  test(`qosClass() of ${name} is ${want}`, () => assert.equal(qosClass({ spec: pod }), want));
}
