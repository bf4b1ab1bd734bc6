import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Endpoints, Pod } from "#api/core-v1/types.ts";
import { desiredEndpoints } from "#controllers/endpoints/reconcile.ts";
import { podIn, serviceWith } from "#controllers/testing/objects.ts";

const ips = (list: readonly { readonly ip: string }[] | undefined) => list?.map(({ ip }) => ip);
const brief = ({ subsets = [] }: Endpoints) =>
  subsets.map(({ addresses, notReadyAddresses, ports }) => [ips(addresses), ips(notReadyAddresses), ports?.map(({ name, port }) => `${name}:${port}`)]);

const ready = podIn({ name: "a", ip: "10.0.0.1", ready: true });
const unready = podIn({ name: "b", ip: "10.0.0.2" });
const named = podIn({ name: "c", ip: "10.0.0.3", ready: true, ports: [{ name: "web", containerPort: 9000 }] });
const otherwise = podIn({ name: "d", ip: "10.0.0.4", ready: true, ports: [{ name: "web", containerPort: 9001 }] });
const byName = { ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: "web" }] };

for (const { name, spec = {}, pods, want } of [
  { name: "tells ready from unready", pods: [ready, unready], want: [[["10.0.0.1"], ["10.0.0.2"], ["http:8080"]]] },
  { name: "takes all for ready when asked to", spec: { publishNotReadyAddresses: true }, pods: [unready], want: [[["10.0.0.2"], undefined, ["http:8080"]]] },
  {
    name: "looks a port's name up in each pod",
    spec: byName,
    pods: [named, otherwise],
    want: [
      [["10.0.0.3"], undefined, ["http:9000"]],
      [["10.0.0.4"], undefined, ["http:9001"]],
    ],
  },
  { name: "leaves out a pod without the named port", spec: byName, pods: [ready], want: [] },
  {
    name: "has an entry without ports for a headless service",
    spec: { clusterIP: "None", ports: [] },
    pods: [ready],
    want: [[["10.0.0.1"], undefined, undefined]],
  },
  { name: "leaves out pods of the other family", spec: { ipFamilies: ["IPv6"] }, pods: [ready], want: [] },
]) {
  test(`desiredEndpoints() ${name}`, () => assert.deepEqual(brief(desiredEndpoints(serviceWith(spec), pods, undefined)), want));
}

const manyPods = (readyCount: number, unreadyCount: number): readonly Pod[] =>
  Array.from({ length: readyCount + unreadyCount }, (_, i) => podIn({ name: `p${i}`, ip: `10.1.${i >> 8}.${i & 255}`, ready: i < readyCount }));

for (const [readyCount, unreadyCount, want] of [
  [600, 400, [600, 400, undefined]],
  [800, 700, [800, 200, "truncated"]],
  [1300, 10, [1000, 0, "truncated"]],
] as const) {
  test(`desiredEndpoints() holds ${want[0]} ready and ${want[1]} other addresses of ${readyCount} and ${unreadyCount}`, () => {
    const { metadata, subsets = [] } = desiredEndpoints(serviceWith(), manyPods(readyCount, unreadyCount), undefined);
    const count = (key: "addresses" | "notReadyAddresses") => subsets.reduce((sum, subset) => sum + (subset[key]?.length ?? 0), 0);
    const over = metadata.annotations?.["endpoints.kubernetes.io/over-capacity"];
    assert.deepEqual([count("addresses"), count("notReadyAddresses"), over], want);
  });
}

const states = fc.array(fc.record({ ready: fc.boolean(), port: fc.constantFrom(undefined, 9000, 9001) }), { maxLength: 10 });
const podsOf = (all: readonly { readonly ready: boolean; readonly port: number | undefined }[]) =>
  all.map(({ ready: isReady, port }, i) =>
    podIn({ name: `p${i}`, ip: `10.2.0.${i}`, ready: isReady, ports: port === undefined ? [] : [{ name: "web", containerPort: port }] }),
  );

test("desiredEndpoints() names each address once per port, and gives the same object back when nothing has changed", () => {
  const service = serviceWith({
    ports: [
      { name: "a", protocol: "TCP", port: 80, targetPort: "web" },
      { name: "b", protocol: "TCP", port: 81, targetPort: 8080 },
    ],
  });
  fc.assert(
    fc.property(states, states, (before, after) => {
      const first = desiredEndpoints(service, podsOf(before), undefined);
      assert.equal(desiredEndpoints(service, podsOf(before), first), first);
      const second = desiredEndpoints(service, podsOf(after), first);
      assert.equal(desiredEndpoints(service, podsOf(after), second), second);
      const served = (second.subsets ?? []).flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
        ports.flatMap(({ port }) => [...addresses.map(({ ip }) => `${ip}:${port} true`), ...notReadyAddresses.map(({ ip }) => `${ip}:${port} false`)]),
      );
      const want = after.flatMap(({ ready: isReady, port }, i) =>
        [8080, ...(port === undefined ? [] : [port])].map((each) => `10.2.0.${i}:${each} ${isReady}`),
      );
      assert.deepEqual(served.sort(), want.sort());
    }),
  );
});
