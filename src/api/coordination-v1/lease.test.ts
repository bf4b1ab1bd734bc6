import assert from "node:assert/strict";
import { test } from "node:test";

import type { Mutable, Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { leaseStrategy } from "./strategy.ts";

/** What a strategy says of a new object, its defaults filled in. */
function told(strategy: unknown, fields: object): string[] {
  const { applyDefaults, validateCreate } = strategy as Strategy;
  const object = { metadata: { name: "x", namespace: "a" }, status: {}, ...structuredClone(fields) } as unknown as Mutable<KubeObject>;
  applyDefaults?.(object);
  return (validateCreate?.(object as KubeObject) ?? []).map(({ field, text }) => `${field}: ${text}`);
}

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
