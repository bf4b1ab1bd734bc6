import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Endpoint, EndpointSlice } from "#api/discovery-v1/types.ts";
import { MAX_ENDPOINTS, packEndpoints } from "#controllers/common/packing.ts";

const endpoint = (n: number): Endpoint => ({ addresses: [`10.0.${n >> 8}.${n & 255}`], conditions: { ready: true } });
const slice = (name: string, endpoints: readonly Endpoint[]) =>
  ({ metadata: { name, labels: {} }, addressType: "IPv4", endpoints }) as unknown as EndpointSlice;
const endpointNumbers = fc.uniqueArray(fc.nat(400), { maxLength: 260 });

test("packEndpoints() holds each endpoint once in slices that are not overfull, and then settles", () => {
  fc.assert(
    fc.property(endpointNumbers, endpointNumbers, (before, after) => {
      let slices = packEndpoints([], before.map(endpoint), {}).rest.map((endpoints, i) => slice(`a${i}`, endpoints));
      const { update, remove, rest } = packEndpoints(slices, after.map(endpoint), {});
      const changed = new Map(update.map((each) => [each.metadata.name, each]));
      slices = slices.filter((each) => !remove.includes(each)).map((each) => changed.get(each.metadata.name) ?? each);
      slices.push(...rest.map((endpoints, i) => slice(`b${i}`, endpoints)));
      const held = slices.flatMap(({ endpoints }) => endpoints.map(({ addresses }) => addresses[0])).sort();
      assert.deepEqual(held, after.map((n) => endpoint(n).addresses[0]).sort());
      assert.ok(slices.every(({ endpoints }) => endpoints.length <= MAX_ENDPOINTS));
      assert.deepEqual(packEndpoints(slices, after.map(endpoint), {}), { update: [], remove: [], rest: [] });
    }),
    { numRuns: 50 },
  );
});
