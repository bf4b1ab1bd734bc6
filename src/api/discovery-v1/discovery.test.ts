import assert from "node:assert/strict";
import { test } from "node:test";

import type { Strategy } from "#api/strategy.ts";
import { told } from "#test/strategies/told.ts";

import { endpointSliceStrategy } from "./strategy.ts";

for (const { strategy, given, want } of [
  {
    strategy: endpointSliceStrategy,
    given: { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }], ports: [{ port: 80 }] },
    want: [],
  },
  {
    strategy: endpointSliceStrategy,
    given: { addressType: "IPv4", endpoints: [{ addresses: ["2001:db8::1"] }] },
    want: ['endpoints[0].addresses: Invalid value: "2001:db8::1": must be an IPv4 address'],
  },
  {
    strategy: endpointSliceStrategy,
    given: { addressType: "IPv6", endpoints: [{ addresses: ["2001:DB8::1"] }] },
    want: ['endpoints[0].addresses[0]: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")'],
  },
  {
    strategy: endpointSliceStrategy,
    given: { addressType: "FQDN", endpoints: [{ addresses: ["web"] }] },
    want: ['endpoints[0].addresses[0]: Invalid value: "web": should be a domain with at least two segments separated by dots'],
  },
] as const) {
  test(`validateCreate() says ${want[0] ?? "nothing"}`, () => assert.deepEqual(told(strategy, given), want));
}

test("endpointSliceStrategy.generationFields() counts labels, and no annotations", () => {
  const slice = (metadata: object) => (endpointSliceStrategy as Strategy).generationFields?.({ metadata: { name: "x", ...metadata } } as never);
  assert.notDeepEqual(slice({ labels: { a: "b" } }), slice({}));
  assert.deepEqual(slice({ annotations: { a: "b" } }), slice({}));
});
