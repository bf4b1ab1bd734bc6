import assert from "node:assert/strict";
import { test } from "node:test";

import { ENDPOINT_SLICES, SERVICES } from "#api/builtin.ts";
import type { ServiceSpec } from "#api/core-v1/types.ts";
import { Client } from "#client/client.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import { FakeTransport } from "#client/testing/fake-transport.ts";
import { silentLogger } from "#lib/logger.ts";
import { seededRng } from "#lib/rng.ts";
import { SimClock } from "#lib/sim-clock.ts";

import { Proxier } from "./proxier.ts";
import { FakeNft } from "./testing/fake-nft.ts";

const CONFIG = { name: "test", serviceCidr: "10.43.0.0/16", clusterCidr: "10.42.0.0/16", podCidr: "10.42.0.0/24", clusterDns: "10.43.0.10", nodeName: "n1" };

function setup() {
  const clock = new SimClock();
  const transport = new FakeTransport(clock);
  const client = new Client(transport);
  const informers = new SharedInformerFactory({ client, clock, rng: seededRng(1), logger: silentLogger });
  const nft = new FakeNft();
  const lostFlows: string[] = [];
  const forgetUdpFlows = async (ip: string | undefined, port: string) => void lostFlows.push(`${ip} ${port}`);
  const proxier = new Proxier(CONFIG, { informers, clock, logger: silentLogger, nft: nft.apply, forgetUdpFlows, probe: async () => true });

  const addService = async (name: string, clusterIP: string, spec: Partial<ServiceSpec> = {}) => {
    const ports = [{ name: "main", port: 80, protocol: "TCP" }];
    const full = { type: "ClusterIP", clusterIP, clusterIPs: [clusterIP], ports, ...spec };
    const created = await client.create(SERVICES, { metadata: { namespace: "x", name }, spec: full as never });
    await client.updateStatus(SERVICES, { ...created, status: { loadBalancer: {} } });
  };
  const setEndpoints = async (service: string, ips: readonly string[], protocol = "TCP") => {
    const metadata = { namespace: "x", name: `${service}-1`, labels: { "kubernetes.io/service-name": service } };
    const endpoints = ips.map((ip) => ({ addresses: [ip], conditions: { ready: true }, nodeName: "n2" }));
    const slice = { metadata, addressType: "IPv4", ports: [{ name: "main", port: 8080, protocol }], endpoints };
    await client.delete(ENDPOINT_SLICES, metadata).catch(() => {});
    await client.create(ENDPOINT_SLICES, slice as never);
  };
  return { clock, client, nft, proxier, lostFlows, addService, setEndpoints };
}

/** Lets promises run; an nft script and the informers take a few rounds. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("Proxier follows a service's endpoints, and takes all away with the service", async () => {
  const { client, nft, proxier, addService, setEndpoints } = setup();
  await addService("web", "10.43.0.5");
  await setEndpoints("web", ["10.42.1.1"]);
  await proxier.start();
  assert.deepEqual(nft.elements("cluster_ips"), ["10.43.0.5 . tcp . 80 = goto pick_1"]);
  await setEndpoints("web", ["10.42.1.1", "10.42.1.2"]);
  await settle();
  assert.deepEqual(nft.elements("cluster_ips"), ["10.43.0.5 . tcp . 80 = goto pick_2"]);
  assert.deepEqual(nft.elements("cluster_ip_slots"), ["10.43.0.5 . tcp . 80 . 0 = 10.42.1.1 . 8080", "10.43.0.5 . tcp . 80 . 1 = 10.42.1.2 . 8080"]);
  await client.delete(SERVICES, { namespace: "x", name: "web" });
  await settle();
  assert.deepEqual([nft.elements("cluster_ips"), nft.elements("cluster_ip_slots"), nft.refusals], [[], [], 0]);
  proxier.stop();
});

test("Proxier.start() misses nothing that changes while the first table is on its way into the kernel", async () => {
  const { client, nft, proxier, addService, setEndpoints } = setup();
  await addService("old", "10.43.0.5");
  await setEndpoints("old", ["10.42.1.1"]);
  const gate = Promise.withResolvers<void>();
  nft.gate = gate.promise;
  const started = proxier.start();
  await settle();
  await client.delete(SERVICES, { namespace: "x", name: "old" });
  await client.delete(ENDPOINT_SLICES, { namespace: "x", name: "old-1" });
  await addService("new", "10.43.0.6");
  await settle();
  gate.resolve();
  await started;
  await settle();
  assert.deepEqual(nft.elements("cluster_ips"), []);
  assert.deepEqual(nft.elements("idle_ips"), ["10.43.0.6 . tcp . 80"]);
  proxier.stop();
});

test("Proxier gives an address that two services claim to one of them, and to the other when that goes", async () => {
  const { client, nft, proxier, addService, setEndpoints } = setup();
  await proxier.start();
  for (const [name, ip, target] of [
    ["first", "10.43.0.5", "10.42.1.1"],
    ["second", "10.43.0.6", "10.42.1.2"],
  ] as const) {
    await setEndpoints(name, [target]);
    await addService(name, ip, { externalIPs: ["192.0.2.1"] });
    await settle();
  }
  const outside = () => nft.elements("cluster_ip_slots").filter((element) => element.startsWith("192.0.2.1"));
  assert.deepEqual(outside(), ["192.0.2.1 . tcp . 80 . 0 = 10.42.1.1 . 8080"]);
  assert.equal(nft.elements("cluster_ips").length, 3);
  await client.delete(SERVICES, { namespace: "x", name: "first" });
  await settle();
  assert.deepEqual(outside(), ["192.0.2.1 . tcp . 80 . 0 = 10.42.1.2 . 8080"]);
  assert.equal(nft.refusals, 0);
  proxier.stop();
});

test("Proxier.drained() waits until no new connection goes to the pod", async () => {
  const { nft, proxier, addService, setEndpoints } = setup();
  await addService("web", "10.43.0.5");
  await setEndpoints("web", ["10.42.1.1", "10.42.1.2"]);
  await proxier.start();
  let isDrained = false;
  const drained = proxier.drained("10.42.1.1").then(() => (isDrained = true));
  await settle();
  assert.equal(isDrained, false);
  const gate = Promise.withResolvers<void>();
  nft.gate = gate.promise;
  await setEndpoints("web", ["10.42.1.2"]);
  await settle();
  assert.equal(isDrained, false);
  gate.resolve();
  await drained;
  assert.deepEqual(nft.elements("cluster_ip_slots"), ["10.43.0.5 . tcp . 80 . 0 = 10.42.1.2 . 8080"]);
  proxier.stop();
});

test("Proxier makes the kernel forget UDP flows to an endpoint that is gone", async () => {
  const { proxier, lostFlows, addService, setEndpoints } = setup();
  await addService("dns", "10.43.0.7", { ports: [{ name: "main", port: 53, protocol: "UDP" }] as never });
  await setEndpoints("dns", ["10.42.1.1", "10.42.1.2"], "UDP");
  await proxier.start();
  await settle();
  await setEndpoints("dns", ["10.42.1.2"], "UDP");
  await settle();
  assert.ok(lostFlows.includes("10.43.0.7 53"), lostFlows.join(", "));
  proxier.stop();
});
