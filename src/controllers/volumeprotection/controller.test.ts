import assert from "node:assert/strict";
import { test } from "node:test";

import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS } from "#api/builtin.ts";
import { namesOf, testCluster, type Cluster } from "#controllers/testing/cluster.ts";
import { startClaimProtection, startVolumeProtection } from "#controllers/volumeprotection/controller.ts";

const FINALIZERS = ["kubernetes.io/pvc-protection"];
const KEY = { namespace: "default", name: "data" };

const makeClaim = ({ client }: Cluster) => client.create(PERSISTENT_VOLUME_CLAIMS, { metadata: { ...KEY, finalizers: FINALIZERS }, spec: {} });

const makePod = ({ client }: Cluster, name: string) =>
  client.create(PODS, {
    metadata: { namespace: "default", name },
    spec: { containers: [{ name: "main" }], volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] },
  });

test("claim protection keeps a claim until the last pod that uses it is gone", async () => {
  const cluster = testCluster(startClaimProtection);
  await makeClaim(cluster);
  await makePod(cluster, "one");
  await makePod(cluster, "two");
  await cluster.settle();
  await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, KEY);
  await cluster.client.delete(PODS, { namespace: "default", name: "one" });
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, PERSISTENT_VOLUME_CLAIMS), ["data"]);
  await cluster.client.delete(PODS, { namespace: "default", name: "two" });
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, PERSISTENT_VOLUME_CLAIMS), []);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("claim protection lets an unused claim go at once, and gives the finalizer to one that came without", async () => {
  const cluster = testCluster(startClaimProtection);
  await cluster.client.create(PERSISTENT_VOLUME_CLAIMS, { metadata: KEY, spec: {} });
  await cluster.settle();
  assert.deepEqual(cluster.transport.objects(PERSISTENT_VOLUME_CLAIMS)[0]?.metadata.finalizers, FINALIZERS);
  const { revision } = cluster.transport;
  await cluster.pass(5);
  assert.equal(cluster.transport.revision, revision);
  await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, KEY);
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, PERSISTENT_VOLUME_CLAIMS), []);
  cluster.stop();
});

test("claim protection asks the API itself before it lets a claim go", async () => {
  const cluster = testCluster(startClaimProtection);
  await makeClaim(cluster);
  await cluster.settle();
  // The informer hears nothing of the pod, as with a watch that lags.
  const watch = cluster.transport.watch.bind(cluster.transport);
  cluster.transport.watch = (call, sink) => (call.resource === PODS ? { stop() {} } : watch(call, sink));
  cluster.transport.cutWatches();
  await makePod(cluster, "unseen");
  await cluster.client.createSubresource(PODS, { namespace: "default", name: "unseen" }, "binding", { target: { name: "n1" } });
  await cluster.client.delete(PERSISTENT_VOLUME_CLAIMS, KEY);
  await cluster.pass(2);
  assert.deepEqual(namesOf(cluster, PERSISTENT_VOLUME_CLAIMS), ["data"]);
  cluster.stop();
});

test("volume protection keeps a volume while it is bound", async () => {
  const cluster = testCluster(startVolumeProtection);
  const name = "pv";
  const setPhase = (phase: string) => cluster.client.patch(PERSISTENT_VOLUMES, { name }, "merge", { status: { phase } }, { subresource: "status" });
  await cluster.client.create(PERSISTENT_VOLUMES, { metadata: { name }, spec: {} });
  await setPhase("Bound");
  await cluster.settle();
  assert.deepEqual(cluster.transport.objects(PERSISTENT_VOLUMES)[0]?.metadata.finalizers, ["kubernetes.io/pv-protection"]);
  await cluster.client.delete(PERSISTENT_VOLUMES, { name });
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, PERSISTENT_VOLUMES), [name]);
  await setPhase("Released");
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, PERSISTENT_VOLUMES), []);
  cluster.stop();
});
