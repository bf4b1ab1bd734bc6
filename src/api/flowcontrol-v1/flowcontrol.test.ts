import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import { flowSchemaStrategy, priorityLevelStrategy } from "./strategy.ts";

const BOOTSTRAP = JSON.parse(readFileSync(new URL("../../apiserver/bootstrap/objects.json", import.meta.url), "utf8")) as readonly {
  readonly kind: string;
  readonly metadata: object;
  readonly spec: object;
}[];

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
  {
    strategy: priorityLevelStrategy,
    given: { metadata: { name: "catch-all" }, spec: { type: "Limited", limited: { nominalConcurrencyShares: 5, limitResponse: { type: "Reject" } } } },
    want: [],
  },
  {
    strategy: priorityLevelStrategy,
    given: { metadata: { name: "catch-all" }, spec: { type: "Limited", limited: { nominalConcurrencyShares: 6, limitResponse: { type: "Reject" } } } },
    want: [
      'spec: Invalid value: {"Type":"Limited","Limited":{"NominalConcurrencyShares":6,"LimitResponse":{"Type":"Reject","Queuing":null},"LendablePercent":0,"BorrowingLimitPercent":null},"Exempt":null}: spec of \'catch-all\' must equal the fixed value',
    ],
  },
  { strategy: priorityLevelStrategy, given: { metadata: { name: "exempt" }, spec: { type: "Exempt", exempt: { lendablePercent: 5 } } }, want: [] },
  {
    strategy: flowSchemaStrategy,
    given: { metadata: { name: "exempt" }, spec: { priorityLevelConfiguration: { name: "exempt" }, matchingPrecedence: 1 } },
    want: [
      'spec: Invalid value: {"PriorityLevelConfiguration":{"Name":"exempt"},"MatchingPrecedence":1,"DistinguisherMethod":null,"Rules":null}: spec of \'exempt\' must equal the fixed value',
    ],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}

test("the catch-all and exempt schemas that a cluster begins with are as they must be", () => {
  for (const { kind, metadata, spec } of BOOTSTRAP) {
    if (kind === "FlowSchema") assert.deepEqual(told(flowSchemaStrategy, { metadata, spec }), []);
    if (kind === "PriorityLevelConfiguration") assert.deepEqual(told(priorityLevelStrategy, { metadata, spec }), []);
  }
});
