import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import type { Service } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { serviceStrategy } from "./strategy.ts";

const context = { now: "2026-01-01T00:00:00Z", user: { name: "", uid: "", groups: [], extra: {} } };

function service(spec: object): Mutable<Service> {
  const object = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "a" },
    spec: { ports: [{ port: 80 }], ...spec },
    status: { loadBalancer: {} },
  };
  serviceStrategy.applyDefaults?.(object as unknown as Mutable<Service>);
  return object as unknown as Mutable<Service>;
}

const told = (object: Mutable<Service>) => (serviceStrategy.validateCreate?.(object as Service) ?? []).map(({ field, text }) => `${field}: ${text}`);

for (const { name, spec, want } of [
  { name: "ports", spec: {}, want: { ports: [{ port: 80, protocol: "TCP", targetPort: 80 }] } },
  { name: "the type and who may send", spec: {}, want: { type: "ClusterIP", internalTrafficPolicy: "Cluster", externalTrafficPolicy: undefined } },
  { name: "outside traffic of node ports", spec: { type: "NodePort" }, want: { externalTrafficPolicy: "Cluster" } },
  { name: "node ports of load balancers", spec: { type: "LoadBalancer" }, want: { allocateLoadBalancerNodePorts: true } },
  { name: "how long clients stick", spec: { sessionAffinity: "ClientIP" }, want: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } } },
]) {
  test(`serviceStrategy defaults ${name}`, () => {
    const { spec: got } = service(spec);
    for (const [key, value] of Object.entries(want)) assert.deepEqual((got as unknown as Record<string, unknown>)[key], value, key);
  });
}

for (const { spec, want } of [
  { spec: {}, want: [] },
  { spec: { ports: [] }, want: ["spec.ports: Required value"] },
  {
    spec: { type: "NodePort", clusterIP: "None", clusterIPs: ["None"] },
    want: ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
  },
  { spec: { externalIPs: ["127.0.0.1"] }, want: ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'] },
  { spec: { clusterIP: "10.0.0.1" }, want: ["spec.clusterIPs: Required value"] },
  { spec: { type: "ExternalName" }, want: ["spec.externalName: Required value"] },
  { spec: { loadBalancerClass: "a/b" }, want: ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"] },
]) {
  test(`serviceStrategy.validateCreate() says ${want.length === 0 ? "nothing" : want[0]}`, () => assert.deepEqual(told(service(spec)), want));
}

test("serviceStrategy.prepareForUpdate() drops what only the old type has, unless it was changed too", () => {
  const old = service({ type: "LoadBalancer", clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"], ports: [{ port: 80, nodePort: 30_000 }] });
  const next = { ...structuredClone(old), spec: { ...structuredClone(old.spec), type: "ClusterIP" } };
  serviceStrategy.prepareForUpdate?.(next, old as Service, context);
  assert.equal(next.spec.ports?.[0]?.nodePort, undefined);
  assert.equal(next.spec.allocateLoadBalancerNodePorts, undefined);
  assert.equal(next.spec.externalTrafficPolicy, undefined);
  assert.equal(next.spec.clusterIP, "10.0.0.1");
  const changed = { ...structuredClone(old), spec: { ...structuredClone(old.spec), type: "ClusterIP", ports: [{ port: 80, nodePort: 30_001 }] } };
  serviceStrategy.prepareForUpdate?.(changed, old as Service, context);
  assert.equal(changed.spec.ports[0]?.nodePort, 30_001);
});

test("serviceStrategy.validateUpdate() keeps the first address", () => {
  const old = service({ clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1"] });
  const next = service({ clusterIP: "10.0.0.2", clusterIPs: ["10.0.0.2"] });
  const errors = serviceStrategy.validateUpdate?.(next as Service, old as Service) ?? [];
  assert.deepEqual(
    errors.map(({ text }) => text),
    ['Invalid value: ["10.0.0.2"]: may not change once set'],
  );
});

test("serviceStrategy.applyDefaults() has nothing to add the second time", () => {
  const spec = fc.record(
    {
      type: fc.constantFrom("", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
      sessionAffinity: fc.constantFrom("", "None", "ClientIP"),
      externalIPs: fc.array(fc.ipV4(), { maxLength: 2 }),
      ports: fc.array(fc.record({ port: fc.nat(65_535) }), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(spec, (given) => {
      const once = service(structuredClone(given));
      const twice = structuredClone(once);
      serviceStrategy.applyDefaults?.(twice);
      assert.deepEqual(twice, once);
      told(once); // whatever it is, it is told rather than thrown
    }),
  );
});
