import assert from "node:assert/strict";
import { test } from "node:test";

import type { Node } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { nodeStrategy } from "./strategy.ts";

function node({ spec = {}, status = {}, annotations }: { spec?: object; status?: object; annotations?: object }): Mutable<Node> {
  const object = { apiVersion: "v1", kind: "Node", metadata: { name: "n", ...(annotations && { annotations }) }, spec, status } as unknown as Mutable<Node>;
  nodeStrategy.applyDefaults?.(object);
  return object;
}

const told = (object: Mutable<Node>) => (nodeStrategy.validateCreate?.(object as Node) ?? []).map(({ field, text }) => `${field}: ${text}`);

test("nodeStrategy takes capacity for allocatable, and the older podCIDR for the newer", () => {
  const { spec, status } = node({ spec: { podCIDR: "10.1.0.0/24" }, status: { capacity: { cpu: "4" } } });
  assert.deepEqual(status.allocatable, { cpu: "4" });
  assert.deepEqual(spec.podCIDRs, ["10.1.0.0/24"]);
});

for (const { given, want } of [
  { given: {}, want: [] },
  { given: { spec: { taints: [{ key: "a" }] } }, want: ["metadata.taints[0].effect: Required value"] },
  {
    given: { status: { capacity: { cpu: "-1" } } },
    want: ["status.capacity.cpu", "status.allocatable.cpu"].map((at) => `${at}: Invalid value: "-1": must be greater than or equal to 0`),
  },
  {
    given: { spec: { podCIDRs: ["10.1.0.0/24", "10.2.0.0/24"] } },
    want: ['spec.podCIDRs: Invalid value: ["10.1.0.0/24","10.2.0.0/24"]: may specify no more than one CIDR for each IP family'],
  },
  {
    given: { annotations: { "scheduler.alpha.kubernetes.io/taints": "{}" } },
    want: ['metadata.annotations: Invalid value: "scheduler.alpha.kubernetes.io/taints": json: cannot unmarshal object into Go value of type []core.Taint'],
  },
]) {
  test(`nodeStrategy.validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(node(given)), want));
}

test("nodeStrategy.validateUpdate() keeps pod networks and provider IDs once they are there", () => {
  const old = node({ spec: { podCIDRs: ["10.1.0.0/24"], providerID: "a" } }) as Node;
  const errors = nodeStrategy.validateUpdate?.(node({ spec: { podCIDRs: ["10.2.0.0/24"], providerID: "b" } }) as Node, old) ?? [];
  assert.deepEqual(
    errors.map(({ field }) => field),
    ["spec.podCIDRs", "spec.providerID"],
  );
  assert.deepEqual(nodeStrategy.validateUpdate?.(old, node({}) as Node), []);
});
