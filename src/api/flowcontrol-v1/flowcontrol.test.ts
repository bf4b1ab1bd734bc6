import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import { flowSchemaStrategy, priorityLevelStrategy } from "./strategy.ts";

for (const { strategy, given, want } of [
  {
    strategy: flowSchemaStrategy,
    given: { spec: { priorityLevelConfiguration: { name: "p" } } },
    want: [],
  },
  {
    strategy: flowSchemaStrategy,
    given: {
      spec: {
        priorityLevelConfiguration: { name: "p" },
        rules: [{ subjects: [{ kind: "User" }], nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["*"] }] }],
      },
    },
    want: ["spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'"],
  },
  {
    strategy: priorityLevelStrategy,
    given: { spec: { type: "Limited", limited: { limitResponse: { type: "Queue", queuing: {} } } } },
    want: [],
  },
  {
    strategy: priorityLevelStrategy,
    given: { spec: { type: "Limited", limited: { limitResponse: { type: "Queue", queuing: { queues: 512, handSize: 64 } } } } },
    want: [
      "spec.limited.limitResponse.queuing.handSize: Invalid value: 64: required entropy bits of deckSize 512 and handSize 64 should not be greater than 60",
    ],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}
