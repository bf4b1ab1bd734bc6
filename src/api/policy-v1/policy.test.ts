import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import { podDisruptionBudgetStrategy } from "./strategy.ts";

for (const { strategy, given, want } of [
  {
    strategy: podDisruptionBudgetStrategy,
    given: { spec: { minAvailable: "50%" } },
    want: [],
  },
  {
    strategy: podDisruptionBudgetStrategy,
    given: { spec: { maxUnavailable: "101%" } },
    want: ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}
