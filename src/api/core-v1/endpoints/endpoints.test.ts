import assert from "node:assert/strict";
import { test } from "node:test";

import type { Mutable, Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";

import { configMapStrategy } from "../config-map/strategy.ts";
import { namespaceStrategy } from "../namespace/strategy.ts";
import { endpointsStrategy } from "./strategy.ts";

/** What a strategy says of a new object, its defaults filled in. */
function told(strategy: unknown, fields: object): string[] {
  const { applyDefaults, validateCreate } = strategy as Strategy;
  const object = { metadata: { name: "x", namespace: "a" }, status: {}, ...structuredClone(fields) } as unknown as Mutable<KubeObject>;
  applyDefaults?.(object);
  return (validateCreate?.(object as KubeObject) ?? []).map(({ field, text }) => `${field}: ${text}`);
}

for (const { strategy, given, want } of [
  {
    strategy: endpointsStrategy,
    given: { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 80 }] }] },
    want: [],
  },
  {
    strategy: endpointsStrategy,
    given: { subsets: [{}] },
    want: ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
  },
  {
    strategy: endpointsStrategy,
    given: { subsets: [{ addresses: [{ ip: "169.254.0.1" }] }] },
    want: ['subsets[0].addresses[0].ip: Invalid value: "169.254.0.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  },
  {
    strategy: configMapStrategy,
    given: { data: { a: "1" }, binaryData: { a: "" } },
    want: ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
  },
  {
    strategy: configMapStrategy,
    given: { data: { a: "x".repeat(1024 * 1024 + 1) } },
    want: ["[]: Too long: may not be more than 1048576 bytes"],
  },
  {
    strategy: namespaceStrategy,
    given: { spec: { finalizers: ["kubernetes", "other"] } },
    want: ['spec.finalizers: Invalid value: "other": name is neither a standard finalizer name nor is it fully qualified'],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}
