import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import type { Service, ServiceSpec } from "#api/core-v1/types.ts";
import type { Endpoint, EndpointSlice } from "#api/discovery-v1/types.ts";

import { ElementTable } from "./element-table.ts";
import { type Element, elementsOf } from "./service-elements.ts";

const metadata = { name: "web", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
const service = (spec: Partial<ServiceSpec> = {}): Service => ({
  metadata,
  spec: { type: "ClusterIP", clusterIP: "10.43.0.5", clusterIPs: ["10.43.0.5"], ports: [{ name: "http", port: 80, protocol: "TCP" }], ...spec },
  status: { loadBalancer: {} },
});
const slice = (endpoints: readonly Endpoint[]): EndpointSlice => ({
  metadata,
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  endpoints,
});
const endpoint = (ip: string, conditions: Endpoint["conditions"] = { ready: true }, nodeName = "n1"): Endpoint => ({ addresses: [ip], conditions, nodeName });

function told(spec: Partial<ServiceSpec>, endpoints: readonly Endpoint[], isAccepting: (ip: string) => boolean = () => true): string[] {
  const elements = elementsOf({ service: service(spec), slices: [slice(endpoints)], nodeName: "n1", isAccepting });
  return elements.filter(({ map }) => map !== "hairpins").map(({ map, key, value }) => `${map} ${key}${value && ` = ${value}`}`);
}

const web = (...targets: string[]) => [
  `cluster_ips 10.43.0.5 . tcp . 80 = ${targets.length}`,
  ...targets.map((ip, slot) => `cluster_ip_slots 10.43.0.5 . tcp . 80 . ${slot} = ${ip} . 8080`),
];

for (const { name, spec = {}, endpoints, isAccepting, want } of [
  { name: "gives every ready endpoint a slot", endpoints: [endpoint("10.42.0.2"), endpoint("10.42.0.1")], want: web("10.42.0.1", "10.42.0.2") },
  { name: "refuses connections when there is no endpoint", endpoints: [], want: ["idle_ips 10.43.0.5 . tcp . 80"] },
  { name: "leaves out what is not ready", endpoints: [endpoint("10.42.0.1", { ready: false }), endpoint("10.42.0.2")], want: web("10.42.0.2") },
  {
    name: "falls back on endpoints that end but still serve",
    endpoints: [endpoint("10.42.0.1", { ready: false, serving: true, terminating: true })],
    want: web("10.42.0.1"),
  },
  {
    name: "holds back an endpoint that does not accept yet",
    endpoints: [endpoint("10.42.0.1"), endpoint("10.42.0.2")],
    isAccepting: (ip: string) => ip !== "10.42.0.1",
    want: web("10.42.0.2"),
  },
  { name: "does not hold back the only endpoint", endpoints: [endpoint("10.42.0.1")], isAccepting: () => false, want: web("10.42.0.1") },
  {
    name: "keeps to this node's endpoints for internalTrafficPolicy Local",
    spec: { internalTrafficPolicy: "Local" },
    endpoints: [endpoint("10.42.0.1"), endpoint("10.42.1.1", { ready: true }, "n2")],
    want: web("10.42.0.1"),
  },
  { name: "gives a headless service nothing", spec: { clusterIP: "None", clusterIPs: ["None"] }, endpoints: [endpoint("10.42.0.1")], want: [] },
  { name: "takes an endpoint that two slices name once", endpoints: [endpoint("10.42.0.1"), endpoint("10.42.0.1")], want: web("10.42.0.1") },
  {
    name: "opens the node port",
    spec: { type: "NodePort", ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30001 }] },
    endpoints: [endpoint("10.42.0.1")],
    want: [...web("10.42.0.1"), "node_ports tcp . 30001 = 1", "node_port_slots tcp . 30001 . 0 = 10.42.0.1 . 8080"],
  },
]) {
  test(`elementsOf() ${name}`, () => assert.deepEqual(told(spec, endpoints, isAccepting), want));
}

/** Plays the kernel: refuses what nft would refuse. */
class Kernel {
  readonly elements = new Map<string, string>();

  run(lines: readonly string[]): void {
    for (const line of lines) {
      const [, verb, map, body] = /^(add|delete) element ip t (\S+) \{ (.*) \}$/.exec(line) ?? [];
      for (const element of body!.split(", ")) this.#change(verb!, map!, element);
    }
  }

  /** Every slot that a connection may draw now. */
  slotsDrawn(): string[] {
    return [...this.elements].flatMap(([id, value]) => {
      const [, map, key] = /^(cluster_ip|node_port)s (.*)$/.exec(id) ?? [];
      const count = Number(/_(\d+)$/.exec(value)?.[1] ?? 0);
      return map === undefined ? [] : Array.from({ length: count }, (_, slot) => `${map}_slots ${key} . ${slot}`);
    });
  }

  /** Whether connections still go to the slot's address at all. */
  isDispatched(slot: string): boolean {
    return this.elements.has(slot.replace(/_slots /, "s ").replace(/ \. \d+$/, ""));
  }

  #change(verb: string, map: string, element: string): void {
    const [key, value = ""] = element.split(" : ");
    const id = `${map} ${key}`;
    if (verb === "delete") assert.ok(this.elements.delete(id), `no element ${id}`);
    else {
      assert.ok(!this.elements.has(id), `element ${id} stands already`);
      this.elements.set(id, value);
    }
  }
}

const ofKernel = ({ map, key, value }: Element): [string, string] => [
  `${map} ${key}`,
  map === "cluster_ips" ? `goto pick_${value}` : map === "node_ports" ? `goto pick_node_port_${value}` : value,
];

test("elementsOf() asks of every endpoint by its port's own protocol", () => {
  const ports = [
    { name: "http", port: 80, protocol: "TCP" },
    { name: "dns", port: 53, protocol: "UDP" },
  ];
  const slices = [{ ...slice([endpoint("10.42.0.1")]), ports: ports.map(({ name, port, protocol }) => ({ name, port, protocol })) }];
  const asked: string[] = [];
  const isAccepting = (ip: string, port: number, protocol: string) => asked.push(`${protocol} ${ip}:${port}`) > 0;
  elementsOf({ service: service({ ports }), slices, nodeName: "n1", isAccepting });
  assert.deepEqual(asked, ["tcp 10.42.0.1:80", "udp 10.42.0.1:53"]);
});

test("ElementTable's commands bring the kernel to just what the services need, whatever came before", () => {
  const pods = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 6 });
  const step = fc.record({ service: fc.integer({ min: 1, max: 3 }), pods: fc.option(pods, { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const table = new ElementTable("ip t");
      const kernel = new Kernel();
      const wanted = new Map<number, readonly Element[]>();
      for (const { service: number, pods } of steps) {
        const spec = service({
          clusterIP: `10.43.0.${number}`,
          clusterIPs: [`10.43.0.${number}`],
          ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30000 + number }],
        });
        const elements =
          pods === undefined
            ? []
            : elementsOf({ service: spec, slices: [slice(pods.map((p) => endpoint(`10.42.0.${p}`)))], nodeName: "n1", isAccepting: () => true });
        wanted.set(number, elements);
        const drawnBefore = kernel.slotsDrawn();
        const { change, sweep } = table.update(`default/${number}`, elements);
        kernel.run(change);
        // A connection may draw from the old number of slots and look up in the new map.
        if (elements.length > 0)
          for (const slot of drawnBefore) if (kernel.isDispatched(slot)) assert.ok(kernel.elements.has(slot), `${slot} is gone too soon`);
        kernel.run(sweep);
        assert.deepEqual(new Map([...kernel.elements].sort()), new Map([...wanted.values()].flat().map(ofKernel).sort()));
      }
    }),
  );
});

test("ElementTable says nothing when nothing changes", () => {
  const table = new ElementTable("ip t");
  const elements = elementsOf({ service: service(), slices: [slice([endpoint("10.42.0.1")])], nodeName: "n1", isAccepting: () => true });
  assert.notEqual(table.update("default/web", elements).change.length, 0);
  assert.deepEqual(table.update("default/web", [...elements]), { change: [], sweep: [] });
});
