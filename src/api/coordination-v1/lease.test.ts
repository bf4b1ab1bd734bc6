import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import { leaseStrategy } from "./strategy.ts";

for (const { strategy, given, want } of [
  {
    strategy: leaseStrategy,
    given: { spec: { leaseDurationSeconds: 40 } },
    want: [],
  },
  {
    strategy: leaseStrategy,
    given: { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } },
    want: [
      "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
      "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
    ],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}
