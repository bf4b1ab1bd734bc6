import assert from "node:assert/strict";
import { test } from "node:test";

import type { Mutable, Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { priorityClassStrategy } from "./strategy.ts";

/** What a strategy says of a new object, its defaults filled in. */
function told(strategy: unknown, fields: object): string[] {
  const { applyDefaults, validateCreate } = strategy as Strategy;
  const object = { metadata: { name: "x", namespace: "a" }, status: {}, ...structuredClone(fields) } as unknown as Mutable<KubeObject>;
  applyDefaults?.(object);
  return (validateCreate?.(object as KubeObject) ?? []).map(({ field, text }) => `${field}: ${text}`);
}

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
