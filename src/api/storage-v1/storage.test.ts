import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import { csiDriverStrategy, csiNodeStrategy, storageClassStrategy } from "./strategy.ts";

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
