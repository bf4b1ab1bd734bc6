import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import { priorityClassStrategy } from "./strategy.ts";

for (const { strategy, given, want } of [
  {
    strategy: priorityClassStrategy,
    given: { value: 1000 },
    want: [],
  },
  {
    strategy: priorityClassStrategy,
    given: { value: 1_000_000_001 },
    want: ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
  },
  {
    strategy: priorityClassStrategy,
    given: { metadata: { name: "system-x" }, value: 1 },
    want: [
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x is not a known system priority class",
    ],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}
