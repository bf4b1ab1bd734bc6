import assert from "node:assert/strict";
import { test } from "node:test";

import { ENDPOINT_SLICES, ENDPOINTS, EVENTS, SERVICES } from "#api/builtin.ts";
import { startEndpointSliceMirroring } from "#controllers/endpointslicemirroring/controller.ts";
import { namesOf, testCluster, type Cluster } from "#controllers/testing/cluster.ts";
import { draftOf, serviceWith } from "#controllers/testing/objects.ts";

const KEY = { namespace: "default", name: "web" };
const subsets = [{ addresses: [{ ip: "192.0.2.1" }], ports: [{ name: "http", port: 80 }] }];
const mirrored = ({ transport }: Cluster) =>
  transport.objects(ENDPOINT_SLICES).flatMap(({ endpoints }) => (endpoints ?? []).map(({ addresses }) => addresses[0]));

async function byHand(): Promise<Cluster> {
  const cluster = testCluster(startEndpointSliceMirroring);
  await cluster.client.create(ENDPOINTS, { metadata: KEY, subsets });
  await cluster.client.create(SERVICES, draftOf(serviceWith({ selector: undefined })));
  await cluster.settle();
  return cluster;
}

test("Endpoints written by hand are mirrored as they change, and then nothing more is written", async () => {
  const cluster = await byHand();
  assert.deepEqual(mirrored(cluster), ["192.0.2.1"]);
  const { revision } = cluster.transport;
  await cluster.pass(30);
  assert.equal(cluster.transport.revision, revision);
  await cluster.client.patch(ENDPOINTS, KEY, "merge", { subsets: [{ ...subsets[0], addresses: [{ ip: "192.0.2.9" }] }] });
  await cluster.settle();
  assert.deepEqual([mirrored(cluster), namesOf(cluster, ENDPOINT_SLICES).length], [["192.0.2.9"], 1]);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

for (const { name, act } of [
  { name: "the Endpoints go", act: ({ client }: Cluster) => client.delete(ENDPOINTS, KEY) },
  { name: "the service goes", act: ({ client }: Cluster) => client.delete(SERVICES, KEY) },
  { name: "the service gets a selector", act: ({ client }: Cluster) => client.patch(SERVICES, KEY, "merge", { spec: { selector: { app: "web" } } }) },
]) {
  test(`a mirror goes when ${name}`, async () => {
    const cluster = await byHand();
    await act(cluster);
    await cluster.settle();
    assert.deepEqual(namesOf(cluster, ENDPOINT_SLICES), []);
    cluster.stop();
  });
}

test("a mirror that others change or delete is put right", async () => {
  const cluster = await byHand();
  const [slice] = cluster.transport.objects(ENDPOINT_SLICES);
  await cluster.client.patch(ENDPOINT_SLICES, slice!.metadata, "merge", { endpoints: [] });
  await cluster.settle();
  assert.deepEqual(mirrored(cluster), ["192.0.2.1"]);
  await cluster.client.delete(ENDPOINT_SLICES, slice!.metadata);
  await cluster.settle();
  assert.deepEqual(mirrored(cluster), ["192.0.2.1"]);
  cluster.stop();
});

test("addresses that are left out are told of", async () => {
  const cluster = await byHand();
  const addresses = Array.from({ length: 1001 }, (_, i) => ({ ip: `10.0.${i >> 8}.${i & 255}` }));
  await cluster.client.patch(ENDPOINTS, KEY, "merge", { subsets: [{ ...subsets[0], addresses }] });
  await cluster.settle();
  const told = cluster.transport.objects(EVENTS).map(({ reason, message }) => `${reason}: ${message}`);
  assert.deepEqual(told, [
    "TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 1 addresses were skipped",
  ]);
  cluster.stop();
});
