import assert from "node:assert/strict";
import { test } from "node:test";

import { told } from "#test/strategies/told.ts";

import { configMapStrategy } from "../config-map/strategy.ts";
import { namespaceStrategy } from "../namespace/strategy.ts";

import { endpointsStrategy } from "./strategy.ts";

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
