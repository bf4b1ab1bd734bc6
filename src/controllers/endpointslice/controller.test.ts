import assert from "node:assert/strict";
import { test } from "node:test";

import { ENDPOINT_SLICES, NODES, PODS, SERVICES } from "#api/builtin.ts";
import { unavailable } from "#client/testing/fake-transport.ts";
import { startEndpointSlices } from "#controllers/endpointslice/controller.ts";
import { testCluster, type Cluster } from "#controllers/testing/cluster.ts";
import { draftOf, serviceWith } from "#controllers/testing/objects.ts";

const KEY = { namespace: "default", name: "web" };
const POD = { namespace: "default", name: "p" };
const spec = { containers: [{ name: "main", image: "app:1" }] };
const endpoints = ({ transport }: Cluster) => transport.objects(ENDPOINT_SLICES).flatMap((slice) => slice.endpoints ?? []);

async function withPod(): Promise<Cluster> {
  const cluster = testCluster(startEndpointSlices);
  await cluster.client.create(NODES, { metadata: { name: "n1" } });
  await cluster.client.create(SERVICES, draftOf(serviceWith()));
  await cluster.client.create(PODS, { metadata: { ...POD, labels: { app: "web" } }, spec });
  await cluster.settle();
  return cluster;
}

test("a service's slices follow its pods, and then nothing more is written", async () => {
  const cluster = await withPod();
  assert.deepEqual(
    endpoints(cluster).map(({ addresses, conditions, nodeName }) => [addresses, conditions?.ready, nodeName]),
    [[["10.42.0.7"], true, "n1"]],
  );
  const { revision } = cluster.transport;
  await cluster.pass(30);
  assert.equal(cluster.transport.revision, revision);
  await cluster.client.delete(PODS, POD);
  await cluster.settle();
  assert.deepEqual([endpoints(cluster), cluster.transport.objects(ENDPOINT_SLICES).length], [[], 1]);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("endpoints learn their node's zone, and go with the node", async () => {
  const cluster = await withPod();
  await cluster.client.patch(NODES, { name: "n1" }, "merge", { metadata: { labels: { "topology.kubernetes.io/zone": "east" } } });
  await cluster.settle();
  assert.equal(endpoints(cluster)[0]?.zone, "east");
  await cluster.client.delete(NODES, { name: "n1" });
  await cluster.settle();
  assert.deepEqual(endpoints(cluster), []);
  cluster.stop();
});

test("slices that others change or delete are put right", async () => {
  const cluster = await withPod();
  const [slice] = cluster.transport.objects(ENDPOINT_SLICES);
  await cluster.client.patch(ENDPOINT_SLICES, slice!.metadata, "merge", { endpoints: [] });
  await cluster.settle();
  assert.equal(endpoints(cluster).length, 1);
  await cluster.client.delete(ENDPOINT_SLICES, slice!.metadata);
  await cluster.settle();
  assert.equal(endpoints(cluster).length, 1);
  cluster.stop();
});

test("slices are written once the API takes them again", async () => {
  const cluster = await withPod();
  let failures = 4;
  cluster.transport.intercept = ({ verb, resource }) => {
    if (verb === "update" && resource === ENDPOINT_SLICES && failures-- > 0) throw unavailable();
  };
  await cluster.client.delete(PODS, POD);
  await cluster.pass(6);
  assert.deepEqual(endpoints(cluster), []);
  cluster.stop();
});

test("a service without a selector, or that is only a name, has no slices of ours", async () => {
  const cluster = testCluster(startEndpointSlices);
  await cluster.client.create(SERVICES, draftOf(serviceWith({ selector: undefined }, "a")));
  await cluster.client.create(SERVICES, draftOf(serviceWith({ type: "ExternalName" }, "b")));
  await cluster.client.create(PODS, { metadata: { ...POD, labels: { app: "web" } }, spec });
  await cluster.settle();
  assert.deepEqual(cluster.transport.objects(ENDPOINT_SLICES), []);
  await cluster.client.patch(SERVICES, { ...KEY, name: "a" }, "merge", { spec: { selector: { app: "none" } } });
  await cluster.settle();
  assert.equal(cluster.transport.objects(ENDPOINT_SLICES).length, 1);
  cluster.stop();
});
