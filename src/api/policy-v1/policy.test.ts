import assert from "node:assert/strict";
import { test } from "node:test";

import type { Mutable, Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { podDisruptionBudgetStrategy } from "./strategy.ts";

/** What a strategy says of a new object, its defaults filled in. */
function told(strategy: unknown, fields: object): string[] {
  const { applyDefaults, validateCreate } = strategy as Strategy;
  const object = { metadata: { name: "x", namespace: "a" }, status: {}, ...structuredClone(fields) } as unknown as Mutable<KubeObject>;
  applyDefaults?.(object);
  return (validateCreate?.(object as KubeObject) ?? []).map(({ field, text }) => `${field}: ${text}`);
}

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
