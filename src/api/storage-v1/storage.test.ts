import assert from "node:assert/strict";
import { test } from "node:test";

import type { Mutable, Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { csiDriverStrategy, csiNodeStrategy, storageClassStrategy } from "./strategy.ts";

/** What a strategy says of a new object, its defaults filled in. */
function told(strategy: unknown, fields: object): string[] {
  const { applyDefaults, validateCreate } = strategy as Strategy;
  const object = { metadata: { name: "x", namespace: "a" }, status: {}, ...structuredClone(fields) } as unknown as Mutable<KubeObject>;
  applyDefaults?.(object);
  return (validateCreate?.(object as KubeObject) ?? []).map(({ field, text }) => `${field}: ${text}`);
}

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
