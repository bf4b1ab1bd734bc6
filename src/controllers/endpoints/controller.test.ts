import assert from "node:assert/strict";
import { test } from "node:test";

import { ENDPOINTS, PODS, SERVICES } from "#api/builtin.ts";
import { unavailable } from "#client/testing/fake-transport.ts";
import { startEndpoints } from "#controllers/endpoints/controller.ts";
import { namesOf, testCluster, type Cluster } from "#controllers/testing/cluster.ts";
import { draftOf, podIn, serviceWith } from "#controllers/testing/objects.ts";

const KEY = { namespace: "default", name: "web" };
const spec = { containers: [{ name: "main", image: "app:1" }] };
const byHand = { metadata: KEY, subsets: [{ addresses: [{ ip: "192.0.2.1" }] }] };
const addresses = ({ transport }: Cluster) => transport.objects(ENDPOINTS).flatMap(({ subsets = [] }) => subsets.flatMap((subset) => subset.addresses ?? []));

test("a service's endpoints follow its pods, and go with it; then nothing more is written", async () => {
  const cluster = testCluster(startEndpoints);
  await cluster.client.create(SERVICES, draftOf(serviceWith()));
  await cluster.settle();
  assert.deepEqual([namesOf(cluster, ENDPOINTS), addresses(cluster)], [["web"], []]);
  await cluster.client.create(PODS, { metadata: { ...KEY, name: "p", labels: { app: "web" } }, spec });
  await cluster.settle();
  assert.deepEqual(
    addresses(cluster).map(({ ip, targetRef }) => [ip, targetRef?.name]),
    [["10.42.0.7", "p"]],
  );
  const { revision } = cluster.transport;
  await cluster.pass(30);
  assert.equal(cluster.transport.revision, revision);
  await cluster.client.patch(PODS, { ...KEY, name: "p" }, "merge", { metadata: { labels: { app: "other" } } });
  await cluster.settle();
  assert.deepEqual(addresses(cluster), []);
  await cluster.client.delete(SERVICES, KEY);
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, ENDPOINTS), []);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("endpoints that are deleted are made anew", async () => {
  const cluster = testCluster(startEndpoints);
  await cluster.client.create(SERVICES, draftOf(serviceWith()));
  await cluster.settle();
  await cluster.client.delete(ENDPOINTS, KEY);
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, ENDPOINTS), ["web"]);
  cluster.stop();
});

test("endpoints written by hand before their service stay as they are", async () => {
  const cluster = testCluster(startEndpoints);
  await cluster.settle();
  await cluster.client.create(ENDPOINTS, byHand);
  await cluster.pass(5);
  await cluster.client.create(SERVICES, draftOf(serviceWith({ selector: undefined })));
  await cluster.pass(5);
  assert.deepEqual(addresses(cluster), [{ ip: "192.0.2.1" }]);
  cluster.stop();
});

test("endpoints whose service went while nobody watched are deleted at the start, but not a lock", async () => {
  const cluster = testCluster(startEndpoints);
  cluster.transport.intercept = ({ verb }) => {
    if (verb === "list") throw unavailable();
  };
  await cluster.client.create(ENDPOINTS, byHand);
  await cluster.client.create(ENDPOINTS, { metadata: { ...KEY, name: "lock", annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } } });
  cluster.transport.intercept = () => {};
  await cluster.pass(2);
  assert.deepEqual(namesOf(cluster, ENDPOINTS), ["lock"]);
  cluster.stop();
});

test("a write that fails while others change the object is made again on the newer one", async () => {
  const cluster = testCluster(startEndpoints);
  await cluster.client.create(SERVICES, draftOf(serviceWith()));
  await cluster.settle();
  let isFirst = true;
  cluster.transport.intercept = ({ verb, resource, name }) => {
    if (verb !== "update" || resource !== ENDPOINTS || !isFirst) return;
    isFirst = false;
    void cluster.client.patch(ENDPOINTS, { namespace: "default", name: name ?? "" }, "merge", { metadata: { annotations: { mine: "1" } } });
    throw unavailable();
  };
  const pod = draftOf(podIn({ name: "p", ip: "10.0.0.1", ready: true }));
  await cluster.client.create(PODS, { ...pod, metadata: { ...KEY, name: "p", labels: { app: "web" } } });
  await cluster.pass(2);
  assert.deepEqual([addresses(cluster).length, cluster.transport.objects(ENDPOINTS)[0]?.metadata.annotations?.["mine"]], [1, "1"]);
  cluster.stop();
});
