import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import { limitRangeStrategy } from "../limit-range/strategy.ts";

import { resourceQuotaStrategy } from "./strategy.ts";

for (const { strategy, given, want } of [
  {
    strategy: resourceQuotaStrategy,
    given: { spec: { hard: { pods: "3", "requests.cpu": "1" } } },
    want: [],
  },
  {
    strategy: resourceQuotaStrategy,
    given: { spec: { hard: { pods: "1500m" } } },
    want: ['spec.hard[pods]: Invalid value: "1500m": must be an integer'],
  },
  {
    strategy: resourceQuotaStrategy,
    given: { spec: { scopes: ["Terminating", "NotTerminating"] } },
    want: ['spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes'],
  },
  {
    strategy: limitRangeStrategy,
    given: { spec: { limits: [{ type: "Container", max: { cpu: "1" }, min: { cpu: "500m" } }] } },
    want: [],
  },
  {
    strategy: limitRangeStrategy,
    given: { spec: { limits: [{ type: "Pod", default: { cpu: "1" } }] } },
    want: ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
  },
  {
    strategy: limitRangeStrategy,
    given: { spec: { limits: [{ type: "Pod", max: { cpu: "1" }, min: { cpu: "2" } }] } },
    want: ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}
