import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import type { Service } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import { Bitmap } from "#apiserver/allocators/bitmap.ts";
import { ServiceAllocation } from "#apiserver/allocators/service-hooks.ts";
import { seededRng } from "#lib/rng.ts";

const allocation = (serviceCidr = "10.43.0.0/16") => new ServiceAllocation({ serviceCidr, nodePortRange: "30000-30031" }, seededRng(1));

function service(spec: object): Mutable<Service> {
  const ports = [{ port: 80, protocol: "TCP", targetPort: 80 }];
  return { apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec: { type: "ClusterIP", ports, ...spec } } as unknown as Mutable<Service>;
}

for (const { name, spec, want } of [
  { name: "gives an address and the family fields", spec: {}, want: { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" } },
  { name: "keeps an address that was asked for", spec: { clusterIP: "10.43.0.77" }, want: { clusterIP: "10.43.0.77", clusterIPs: ["10.43.0.77"] } },
  {
    name: "gives headless services both families",
    spec: { clusterIP: "None" },
    want: { clusterIPs: ["None"], ipFamilies: ["IPv4", "IPv6"], ipFamilyPolicy: "RequireDualStack" },
  },
  {
    name: "gives headless services with a selector one",
    spec: { clusterIP: "None", selector: { a: "b" } },
    want: { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" },
  },
  { name: "gives external names nothing", spec: { type: "ExternalName" }, want: { clusterIP: undefined, ipFamilies: undefined } },
  {
    name: "keeps PreferDualStack on one family",
    spec: { ipFamilyPolicy: "PreferDualStack" },
    want: { ipFamilies: ["IPv4"], ipFamilyPolicy: "PreferDualStack" },
  },
]) {
  test(`ServiceAllocation.allocate() ${name}`, () => {
    const object = service(spec);
    allocation().allocate(object, undefined, false);
    for (const [key, value] of Object.entries(want)) assert.deepEqual((object.spec as Record<string, unknown>)[key], value, key);
  });
}

for (const { name, spec, text, code = 422 } of [
  {
    name: "an address out of range",
    spec: { clusterIP: "10.99.0.1" },
    text: `spec.clusterIPs: Invalid value: ["10.99.0.1"]: failed to allocate IP 10.99.0.1: the provided IP (10.99.0.1) is not in the valid range. The range of valid IPs is 10.43.0.0/16`,
  },
  {
    name: "the network's own address",
    spec: { clusterIP: "10.43.0.0" },
    text: `spec.clusterIPs: Invalid value: ["10.43.0.0"]: failed to allocate IP 10.43.0.0: the provided IP (10.43.0.0) is not in the valid range. The range of valid IPs is 10.43.0.0/16`,
  },
  {
    name: "an address twice",
    spec: { clusterIP: "10.43.0.1" },
    text: `spec.clusterIPs: Invalid value: ["10.43.0.1"]: failed to allocate IP 10.43.0.1: provided IP is already allocated`,
  },
  { name: "IPv6 addresses", spec: { clusterIP: "fd00::1" }, text: `spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster` },
  {
    name: "two families",
    spec: { ipFamilyPolicy: "RequireDualStack" },
    text: `spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services`,
  },
  {
    name: "a node port out of range",
    spec: { type: "NodePort", ports: [{ port: 80, nodePort: 80 }] },
    text: "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30031",
  },
  {
    name: "a node port twice",
    spec: {
      type: "NodePort",
      ports: [
        { port: 80, nodePort: 30001 },
        { port: 81, nodePort: 30001 },
      ],
    },
    text: "spec.ports[1].nodePort: Invalid value: 30001: provided port is already allocated",
  },
  {
    name: "a health check port that a port has",
    spec: { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 30001, ports: [{ port: 80, nodePort: 30001 }] },
    code: 500,
    text: "failed to allocate requested HealthCheck NodePort 30001: provided port is already allocated",
  },
]) {
  test(`ServiceAllocation.allocate() refuses ${name}`, () => {
    const all = allocation();
    all.seed([service({ clusterIP: "10.43.0.1", clusterIPs: ["10.43.0.1"] }) as unknown as Service]);
    const refusal = (error: unknown) => error instanceof StatusError && error.code === code && error.message.endsWith(text);
    assert.throws(
      () => all.allocate(service(spec), undefined, false),
      (error) => refusal(error) || assert.fail(String(error)) === undefined,
    );
  });
}

test("ServiceAllocation.allocate() gives TCP and UDP of one port one node port", () => {
  const object = service({
    type: "NodePort",
    ports: [
      { name: "a", port: 53, protocol: "TCP" },
      { name: "b", port: 53, protocol: "UDP" },
    ],
  });
  allocation().allocate(object, undefined, false);
  const [a, b] = object.spec!.ports!;
  assert.ok(a!.nodePort! >= 30000);
  assert.equal(a!.nodePort, b!.nodePort);
});

test("ServiceAllocation takes all of a small range, gives back what a rollback, an update or a deletion frees", () => {
  const all = allocation("10.43.0.0/28");
  const made = Array.from({ length: 14 }, () => {
    const object = service({});
    return { object, taken: all.allocate(object, undefined, false)! };
  });
  assert.equal(new Set(made.map(({ object }) => object.spec!.clusterIP)).size, 14);
  assert.throws(() => all.allocate(service({}), undefined, false), /failed to allocate a serviceIP: range is full/);
  made[0]!.taken.rollback();
  all.allocate(service({ clusterIP: made[0]!.object.spec!.clusterIP }), undefined, false);
  const old = made[1]!.object as unknown as Service;
  all.afterCommit(service({ type: "ExternalName" }), old);
  all.allocate(service({ clusterIP: old.spec!.clusterIP }), undefined, false);
  all.afterDelete(made[2]!.object);
  all.allocate(service({ clusterIP: made[2]!.object.spec!.clusterIP }), undefined, false);
});

test("ServiceAllocation.allocate() keeps on update what the client left out", () => {
  const all = allocation();
  const old = service({ type: "NodePort", ports: [{ name: "a", port: 80, protocol: "TCP" }] });
  all.allocate(old, undefined, false);
  const next = service({
    type: "NodePort",
    ports: [
      { name: "a", port: 80, protocol: "TCP" },
      { name: "b", port: 81, protocol: "TCP" },
    ],
  });
  all.allocate(next, old as unknown as Service, false);
  assert.equal(next.spec!.clusterIP, old.spec!.clusterIP);
  assert.equal(next.spec!.ports![0]!.nodePort, old.spec!.ports![0]!.nodePort);
  assert.notEqual(next.spec!.ports![1]!.nodePort, old.spec!.ports![0]!.nodePort);
});

test("ServiceAllocation.allocate() takes nothing in a dry run", () => {
  const all = allocation();
  all.allocate(service({ clusterIP: "10.43.0.5" }), undefined, true);
  all.allocate(service({ clusterIP: "10.43.0.5" }), undefined, false);
});

test("Bitmap.firstAbsent() agrees with a scan", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(99)), fc.nat(100), fc.nat(100), (members, from, to) => {
      const bitmap = new Bitmap(100);
      for (const member of members) bitmap.add(member);
      const want = Array.from({ length: 100 }, (_, i) => i).find((i) => i >= from && i < to && !members.includes(i));
      assert.equal(bitmap.firstAbsent(from, to), want);
      assert.equal(bitmap.count, members.length);
    }),
  );
});
