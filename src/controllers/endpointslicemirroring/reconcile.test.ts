import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Endpoints, EndpointSubset } from "#api/core-v1/types.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import { isMirrored, reconcileMirror } from "#controllers/endpointslicemirroring/reconcile.ts";
import { serviceWith } from "#controllers/testing/objects.ts";

const endpointsWith = (subsets: readonly EndpointSubset[], metadata: object = {}) =>
  ({ metadata: { namespace: "default", name: "web", uid: "uid-e", ...metadata }, subsets }) as unknown as Endpoints;
const brief = ({ addressType, endpoints, ports }: Pick<EndpointSlice, "addressType" | "endpoints" | "ports">) => [
  addressType,
  (endpoints ?? []).map(({ addresses, conditions }) => `${addresses[0]} ${conditions?.ready}`).sort(),
  (ports ?? []).map(({ name, port }) => `${name}:${port}`).sort(),
];
const http = { name: "http", protocol: "TCP", port: 80 };
const admin = { name: "admin", protocol: "TCP", port: 81 };

/** What the API holds after the changes were made. */
let made = 0;
function apply(slices: readonly EndpointSlice[], { create, update, remove }: ReturnType<typeof reconcileMirror>): readonly EndpointSlice[] {
  const changed = new Map(update.map((slice) => [slice.metadata.name, slice]));
  const kept = slices.filter((slice) => !remove.includes(slice)).map((slice) => changed.get(slice.metadata.name) ?? slice);
  return [...kept, ...create.map((slice) => ({ ...slice, metadata: { ...slice.metadata, name: `s${made++}` } }) as unknown as EndpointSlice)];
}
const mirrored = (endpoints: Endpoints) => apply([], reconcileMirror(endpoints, [])).map(brief);

for (const { name, subsets, want } of [
  {
    name: "has a slice for each family",
    subsets: [{ addresses: [{ ip: "192.0.2.1" }, { ip: "2001:db8::1" }], notReadyAddresses: [{ ip: "192.0.2.2" }], ports: [http] }],
    want: [
      ["IPv4", ["192.0.2.1 true", "192.0.2.2 false"], ["http:80"]],
      ["IPv6", ["2001:db8::1 true"], ["http:80"]],
    ],
  },
  {
    name: "joins subsets that say the same ports apart",
    subsets: [
      { addresses: [{ ip: "192.0.2.1" }], ports: [http] },
      { addresses: [{ ip: "192.0.2.1" }], ports: [admin] },
    ],
    want: [["IPv4", ["192.0.2.1 true"], ["admin:81", "http:80"]]],
  },
  {
    name: "takes an address for unready where any subset does",
    subsets: [
      { addresses: [{ ip: "192.0.2.1" }], ports: [http] },
      { notReadyAddresses: [{ ip: "192.0.2.1" }], ports: [http] },
    ],
    want: [["IPv4", ["192.0.2.1 false"], ["http:80"]]],
  },
  { name: "has no slice for no address", subsets: [], want: [] },
]) {
  test(`reconcileMirror() ${name}`, () => assert.deepEqual(mirrored(endpointsWith(subsets)), want));
}

test("reconcileMirror() copies labels and annotations but what is only the Endpoints' own, and later changes of them", () => {
  const subsets = [{ addresses: [{ ip: "192.0.2.1" }], ports: [http] }];
  const annotations = { mine: "1", "endpoints.kubernetes.io/last-change-trigger-time": "t", "kubectl.kubernetes.io/last-applied-configuration": "{}" };
  const slices = apply([], reconcileMirror(endpointsWith(subsets, { annotations, labels: { tier: "db" } }), []));
  assert.deepEqual([slices[0]?.metadata.annotations, slices[0]?.metadata.labels?.["tier"]], [{ mine: "1" }, "db"]);
  const { update } = reconcileMirror(endpointsWith(subsets, { annotations: { mine: "2" }, labels: { tier: "db" } }), slices);
  assert.deepEqual([update[0]?.metadata.annotations, update[0]?.metadata.labels?.["tier"]], [{ mine: "2" }, "db"]);
  const relabelled = reconcileMirror(endpointsWith(subsets, { annotations }), slices).update;
  assert.equal(relabelled[0]?.metadata.labels?.["tier"], undefined);
});

test("reconcileMirror() takes over the slices of Endpoints that were made anew", () => {
  const subsets = [{ addresses: [{ ip: "192.0.2.1" }], ports: [http] }];
  const slices = apply([], reconcileMirror(endpointsWith(subsets), []));
  const { create, update, remove } = reconcileMirror(endpointsWith(subsets, { uid: "uid-new" }), slices);
  assert.deepEqual([create, update[0]?.metadata.ownerReferences?.[0]?.uid, remove], [[], "uid-new", []]);
});

test("reconcileMirror() mirrors a thousand addresses of a subset in one slice, and tells of the rest", () => {
  const addresses = Array.from({ length: 1200 }, (_, i) => ({ ip: `10.0.${i >> 8}.${i & 255}` }));
  const mirror = reconcileMirror(endpointsWith([{ addresses: [...addresses, { ip: "not-an-ip" }], ports: [http] }]), []);
  assert.deepEqual([mirror.create.length, mirror.create[0]?.endpoints?.length, mirror.invalid, mirror.skipped], [1, 1000, 1, 201]);
});

const anyAddresses = fc.uniqueArray(
  fc.constantFrom("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1").map((ip) => ({ ip })),
  { maxLength: 3 },
);
const anySubset = fc.record({ addresses: anyAddresses, notReadyAddresses: anyAddresses, ports: fc.subarray([http, admin], { minLength: 1 }) });

test("reconcileMirror() says of each address and port what the subsets say, and settles", () => {
  const ready = (subsets: readonly EndpointSubset[]) => {
    const found = new Map<string, boolean>();
    for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets)
      for (const { port } of ports) {
        for (const { ip } of addresses) found.set(`${ip} ${port}`, found.get(`${ip} ${port}`) ?? true);
        for (const { ip } of notReadyAddresses) found.set(`${ip} ${port}`, false);
      }
    return [...found].sort();
  };
  const served = (slices: readonly EndpointSlice[]) =>
    slices
      .flatMap(({ endpoints, ports = [] }) =>
        (endpoints ?? []).flatMap(({ addresses, conditions }) =>
          ports.map(({ port }): [string, boolean] => [`${addresses[0]} ${port}`, conditions?.ready ?? false]),
        ),
      )
      .sort();
  fc.assert(
    fc.property(fc.array(anySubset, { maxLength: 3 }), fc.array(anySubset, { maxLength: 3 }), (before, after) => {
      const first = apply([], reconcileMirror(endpointsWith(before), []));
      const slices = apply(first, reconcileMirror(endpointsWith(after), first));
      assert.deepEqual(served(slices), ready(after));
      const { create, update, remove } = reconcileMirror(endpointsWith(after), slices);
      assert.deepEqual({ create, update, remove }, { create: [], update: [], remove: [] });
    }),
  );
});

for (const { name, endpoints, spec = { selector: undefined }, want } of [
  { name: "mirrors what is written by hand for a service", endpoints: endpointsWith([]), want: true },
  { name: "leaves a service with a selector to its own slices", endpoints: endpointsWith([]), spec: {}, want: false },
  { name: "skips what asks for it", endpoints: endpointsWith([], { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }), want: false },
  { name: "skips locks", endpoints: endpointsWith([], { annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } }), want: false },
]) {
  test(`isMirrored() ${name}`, () => assert.equal(isMirrored(endpoints, serviceWith(spec)), want));
}
