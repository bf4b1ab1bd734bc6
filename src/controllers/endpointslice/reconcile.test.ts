import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Pod, Service } from "#api/core-v1/types.ts";
import { SERVICE_NAME_LABEL } from "#api/discovery-v1/endpoint-slice.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import { reconcileSlices } from "#controllers/endpointslice/reconcile.ts";
import { podIn, serviceWith, type PodState } from "#controllers/testing/objects.ts";

const ZONES: Readonly<Record<string, string>> = { n1: "east", n2: "" };
const zoneOf = (node: string) => ZONES[node];
const decide = (service: Service, pods: readonly Pod[], slices: readonly EndpointSlice[] = []) => reconcileSlices({ service, pods, slices, zoneOf });

/** What the API holds after the changes were made. */
let made = 0;
function apply(slices: readonly EndpointSlice[], { create, update, remove }: ReturnType<typeof decide>): readonly EndpointSlice[] {
  const changed = new Map(update.map((slice) => [slice.metadata.name, slice]));
  const kept = slices.filter((slice) => !remove.includes(slice)).map((slice) => changed.get(slice.metadata.name) ?? slice);
  const created = create.map((slice) => ({ ...slice, metadata: { ...slice.metadata, name: `web-${made++}` } }) as unknown as EndpointSlice);
  return [...kept, ...created];
}

const only = (state: Partial<PodState>, spec: object = {}) => {
  const [slice] = decide(serviceWith(spec), [podIn({ name: "p", ip: "10.0.0.1", ...state })]).create;
  return slice?.endpoints?.[0];
};

for (const { name, state, spec, want } of [
  { name: "a ready pod serves", state: { ready: true }, want: { ready: true, serving: true, terminating: false } },
  { name: "an unready pod does not", state: {}, want: { ready: false, serving: false, terminating: false } },
  { name: "a leaving pod may still serve, but is not ready", state: { ready: true, leaving: true }, want: { ready: false, serving: true, terminating: true } },
  { name: "all are ready where asked for", state: {}, spec: { publishNotReadyAddresses: true }, want: { ready: true, serving: false, terminating: false } },
]) {
  test(`reconcileSlices(): ${name}`, () => assert.deepEqual(only(state, spec)?.conditions, want));
}

test("reconcileSlices() tells of node, zone and whom it is for", () => {
  const { nodeName, zone, targetRef, hints } = only({ ready: true }, { trafficDistribution: "PreferSameZone" }) ?? {};
  assert.deepEqual([nodeName, zone, targetRef?.name, hints], ["n1", "east", "p", { forZones: [{ name: "east" }] }]);
  assert.deepEqual(only({ ready: true }, { trafficDistribution: "PreferSameNode" })?.hints, { forZones: [{ name: "east" }], forNodes: [{ name: "n1" }] });
  assert.equal(only({ ready: true, node: "n2" }, { trafficDistribution: "PreferClose" })?.hints, undefined);
  assert.equal(only({ ready: false }, { trafficDistribution: "PreferClose" })?.hints, undefined);
});

test("reconcileSlices() leaves out pods of nodes that are gone", () => {
  assert.equal(only({ ready: true, node: "lost" }), undefined);
  assert.equal(only({ ready: true, node: "lost" }, { publishNotReadyAddresses: true })?.nodeName, "lost");
});

test("reconcileSlices() keeps one empty slice, with the service's labels", () => {
  const service = { ...serviceWith(), metadata: { ...serviceWith().metadata, labels: { tier: "front", [SERVICE_NAME_LABEL]: "forged" } } } as Service;
  const slices = apply([], decide(service, []));
  assert.deepEqual(
    slices.map(({ endpoints, metadata }) => [endpoints?.length ?? 0, metadata.labels]),
    [[0, { tier: "front", [SERVICE_NAME_LABEL]: "web", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" }]],
  );
  assert.deepEqual(decide(service, [], slices), { create: [], update: [], remove: [] });
});

const anyStates = fc.array(fc.record({ ready: fc.boolean(), leaving: fc.boolean(), port: fc.constantFrom(9000, 9001), second: fc.boolean() }), {
  maxLength: 130,
});
const anyPods = anyStates.map((states) =>
  states.map(({ port, second, ...state }, i) =>
    podIn({ ...state, name: `p${second ? i + 500 : i}`, ip: `10.0.${i >> 8}.${i & 255}`, ports: [{ name: "web", containerPort: port }] }),
  ),
);

test("reconcileSlices() holds each pod once at its port, in slices of at most 100, changes few, and settles", () => {
  const service = serviceWith({ ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: "web" }] });
  fc.assert(
    fc.property(anyPods, anyPods, (before, after) => {
      const first = apply([], decide(service, before));
      const changes = decide(service, after, first);
      const slices = apply(first, changes);
      const served = slices.flatMap(({ endpoints, ports }) => (endpoints ?? []).map(({ targetRef }) => `${targetRef?.name}:${ports?.[0]?.port}`));
      const want = after.map(({ metadata, spec }) => `${metadata.name}:${spec.containers[0]?.ports?.[0]?.containerPort}`);
      assert.deepEqual(served.sort(), want.sort());
      assert.ok(slices.every(({ endpoints }) => (endpoints?.length ?? 0) <= 100));
      assert.ok(slices.length <= 4 && slices.length > 0);
      assert.deepEqual(decide(service, after, slices), { create: [], update: [], remove: [] });
    }),
    { numRuns: 40 },
  );
});
