import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import type { CSIStorageCapacity, StorageClass } from "./types.ts";
import { csiDriverStrategy, csiNodeStrategy, csiStorageCapacityStrategy, storageClassStrategy } from "./strategy.ts";

for (const { strategy, given, want } of [
  {
    strategy: storageClassStrategy,
    given: { provisioner: "x.io/p" },
    want: [],
  },
  {
    strategy: storageClassStrategy,
    given: { provisioner: "" },
    want: ["provisioner: Required value"],
  },
  {
    strategy: storageClassStrategy,
    given: { provisioner: "p", reclaimPolicy: "Recycle" },
    want: ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
  },
  {
    strategy: csiDriverStrategy,
    given: { spec: { tokenRequests: [{ audience: "a", expirationSeconds: 1 }] } },
    want: ["spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes"],
  },
  {
    strategy: csiNodeStrategy,
    given: { spec: { drivers: [{ name: "d", nodeID: "" }] } },
    want: ["spec.drivers[0].nodeID: Required value"],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}

test("classes and capacities warn of nodes' labels that have better names by now", () => {
  const zone = "failure-domain.beta.kubernetes.io/zone";
  const old = 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead';
  const expressions = { matchLabelExpressions: [{ key: "a" }, { key: zone }] };
  const storageClass = { allowedTopologies: [{}, expressions] } as unknown as StorageClass;
  assert.deepEqual(storageClassStrategy.warningsOnCreate?.(storageClass), [`allowedTopologies[1].matchLabelExpressions[1].key: ${old}`]);
  const nodeTopology = { matchLabels: { [zone]: "x" }, matchExpressions: [{ key: zone, operator: "Exists" }] };
  assert.deepEqual(csiStorageCapacityStrategy.warningsOnUpdate?.({ nodeTopology } as unknown as CSIStorageCapacity, undefined as never), [
    `nodeTopology.matchExpressions[0].key: ${zone} is ${old}`,
    `nodeTopology.matchLabels.${zone}: ${old}`,
  ]);
});
