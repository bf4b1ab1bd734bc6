import assert from "node:assert/strict";
import { test } from "node:test";

import type { ReplicaSet } from "#api/apps-v1/types.ts";
import { EVENTS, PODS, REPLICA_SETS } from "#api/builtin.ts";
import type { ReplicationController } from "#api/core-v1/types.ts";
import { builtin } from "#api/resources.ts";
import type { Draft } from "#apimachinery/object.ts";
import { unavailable } from "#client/testing/fake-transport.ts";
import { startReplicaSets, startReplicationControllers } from "#controllers/replicaset/controller.ts";
import { namesOf, testCluster, type Cluster } from "#controllers/testing/cluster.ts";

const KEY = { namespace: "default", name: "web" };
const REPLICATION_CONTROLLERS = builtin<ReplicationController>("", "v1", "replicationcontrollers");

function web(replicas: number, spec: object = {}): Draft<ReplicaSet> {
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "app:1" }] } };
  return { metadata: KEY, spec: { replicas, selector: { matchLabels: { app: "web" } }, template, ...spec } };
}

const scale = ({ client }: Cluster, replicas: number) => client.patch(REPLICA_SETS, KEY, "merge", { spec: { replicas } });
const statusOf = ({ transport }: Cluster) => transport.objects(REPLICA_SETS)[0]!.status;
const reasons = ({ transport }: Cluster) => transport.objects(EVENTS).map(({ reason, type }) => `${type} ${reason}`);

test("a replica set is scaled up and down, tells of each pod, and then writes nothing more", async () => {
  const cluster = testCluster(startReplicaSets);
  await cluster.client.create(REPLICA_SETS, web(4));
  await cluster.settle();
  assert.equal(namesOf(cluster, PODS).length, 4);
  assert.deepEqual(statusOf(cluster), {
    replicas: 4,
    fullyLabeledReplicas: 4,
    readyReplicas: 4,
    availableReplicas: 4,
    terminatingReplicas: 0,
    observedGeneration: 1,
  });
  await scale(cluster, 1);
  await cluster.settle();
  assert.equal(namesOf(cluster, PODS).length, 1);
  assert.equal(reasons(cluster).filter((reason) => reason === "Normal SuccessfulCreate").length, 4);
  assert.equal(reasons(cluster).filter((reason) => reason === "Normal SuccessfulDelete").length, 3);
  const { revision } = cluster.transport;
  await cluster.pass(30);
  assert.equal(cluster.transport.revision, revision);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("a replica set takes orphans in that match, and lets its own go that no longer do", async () => {
  const cluster = testCluster(startReplicaSets);
  const spec = { containers: [{ name: "main", image: "app:1" }] };
  await cluster.client.create(PODS, { metadata: { namespace: "default", name: "orphan", labels: { app: "web" } }, spec });
  await cluster.client.create(PODS, { metadata: { namespace: "default", name: "stranger", labels: { app: "other" } }, spec });
  await cluster.client.create(REPLICA_SETS, web(1));
  await cluster.settle();
  const ownerOf = (name: string) => cluster.transport.objects(PODS).find(({ metadata }) => metadata.name === name)?.metadata.ownerReferences?.[0]?.name;
  assert.deepEqual(namesOf(cluster, PODS), ["orphan", "stranger"]);
  assert.deepEqual([ownerOf("orphan"), ownerOf("stranger")], ["web", undefined]);
  await cluster.client.patch(PODS, { namespace: "default", name: "orphan" }, "merge", { metadata: { labels: { app: "left" } } });
  await cluster.settle();
  assert.equal(ownerOf("orphan"), undefined);
  assert.equal(namesOf(cluster, PODS).length, 3);
  cluster.stop();
});

test("a replica set that may not create tries with one pod at a time, tells why, and goes on once it may", async () => {
  const cluster = testCluster(startReplicaSets);
  let attempts = 0;
  cluster.transport.intercept = ({ verb, resource }) => {
    if (verb !== "create" || resource !== PODS) return;
    attempts++;
    throw unavailable();
  };
  await cluster.client.create(REPLICA_SETS, web(100));
  await cluster.settle();
  await cluster.pass(2);
  assert.ok(attempts > 1 && attempts < 12, `${attempts} attempts`);
  const [condition] = statusOf(cluster).conditions ?? [];
  assert.deepEqual([condition?.type, condition?.reason], ["ReplicaFailure", "FailedCreate"]);
  assert.ok(reasons(cluster).includes("Warning FailedCreate"));
  cluster.transport.intercept = () => {};
  await cluster.pass(5);
  assert.equal(namesOf(cluster, PODS).length, 100);
  assert.deepEqual(statusOf(cluster).conditions ?? [], []);
  cluster.stop();
});

test("a pod counts as available when it has been ready for minReadySeconds, with no event to tell", async () => {
  const cluster = testCluster(startReplicaSets);
  await cluster.client.create(REPLICA_SETS, web(2, { minReadySeconds: 10 }));
  await cluster.pass(9);
  assert.deepEqual([statusOf(cluster).readyReplicas, statusOf(cluster).availableReplicas], [2, undefined]);
  await cluster.pass(2);
  assert.equal(statusOf(cluster).availableReplicas, 2);
  cluster.stop();
});

test("a replication controller keeps its pods by its plain selector", async () => {
  const cluster = testCluster(startReplicationControllers);
  const { template } = web(1).spec as { template: object };
  await cluster.client.create(REPLICATION_CONTROLLERS, { metadata: KEY, spec: { replicas: 3, selector: { app: "web" }, template } });
  await cluster.settle();
  const [pod] = cluster.transport.objects(PODS);
  assert.equal(namesOf(cluster, PODS).length, 3);
  assert.deepEqual([pod!.metadata.ownerReferences?.[0]?.kind, pod!.metadata.name.startsWith("web-")], ["ReplicationController", true]);
  assert.equal("terminatingReplicas" in cluster.transport.objects(REPLICATION_CONTROLLERS)[0]!.status, false);
  cluster.stop();
});

test("a pod that takes its time to go is counted as terminating until it is gone", async () => {
  const cluster = testCluster(startReplicaSets, ({ metadata }) => (metadata.deletionTimestamp === undefined ? "ready" : undefined));
  await cluster.client.create(REPLICA_SETS, web(2));
  await cluster.settle();
  await scale(cluster, 1);
  await cluster.settle();
  assert.deepEqual([statusOf(cluster).replicas, statusOf(cluster).terminatingReplicas], [1, 1]);
  const leaving = cluster.transport.objects(PODS).find(({ metadata }) => metadata.deletionTimestamp !== undefined);
  await cluster.client.delete(PODS, leaving!.metadata, { gracePeriodSeconds: 0 });
  await cluster.settle();
  assert.equal(statusOf(cluster).terminatingReplicas, 0);
  cluster.stop();
});

test("a set is not looked at again while one of its pods is still being deleted", async () => {
  const cluster = testCluster(startReplicaSets);
  await cluster.client.create(REPLICA_SETS, web(3));
  await cluster.settle();
  const slow = Promise.withResolvers<void>();
  const perform = cluster.transport.perform.bind(cluster.transport);
  const asked: string[] = [];
  cluster.transport.perform = async (call, signal) => {
    if (call.verb !== "delete" || call.resource !== PODS || !cluster.isControllers(call)) return perform(call, signal);
    asked.push(call.name!);
    if (asked.length === 1) throw unavailable();
    await slow.promise;
    return perform(call, signal);
  };
  await scale(cluster, 1);
  await cluster.pass(30);
  assert.equal(asked.length, 2);
  slow.resolve();
  await cluster.pass(30);
  assert.equal(namesOf(cluster, PODS).length, 1);
  cluster.stop();
});
