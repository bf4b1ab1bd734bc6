import assert from "node:assert/strict";
import { test } from "node:test";

import { NODES, PODS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { startPodGc } from "#controllers/podgc/controller.ts";
import { namesOf, testCluster, type Cluster } from "#controllers/testing/cluster.ts";

const spec = { containers: [{ name: "main", image: "app:1" }] };
const pod = (name: string) => ({ namespace: "default", name });
const start = (deps: Cluster["deps"]) => startPodGc(deps);

async function withPodOnNode(): Promise<Cluster> {
  const cluster = testCluster(start);
  await cluster.client.create(NODES, { metadata: { name: "n1" } });
  await cluster.client.create(PODS, { metadata: pod("web"), spec });
  await cluster.settle();
  return cluster;
}

test("pods of a node that is gone are failed and deleted after a quarantine", async () => {
  const cluster = await withPodOnNode();
  const last: Pod[] = [];
  cluster.deps.informers.informer(PODS).onChange({ updated: (each) => last.push(each) });
  await cluster.client.delete(NODES, { name: "n1" });
  await cluster.pass(38);
  assert.deepEqual(namesOf(cluster, PODS), ["web"]);
  await cluster.pass(4);
  assert.deepEqual(namesOf(cluster, PODS), []);
  assert.deepEqual([last.at(-1)?.status.phase, last.at(-1)?.status.conditions?.at(-1)?.reason], ["Failed", "DeletionByPodGC"]);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("pods of a node that comes back in time stay, and a later loss has a quarantine of its own", async () => {
  const cluster = await withPodOnNode();
  await cluster.client.delete(NODES, { name: "n1" });
  await cluster.pass(30);
  await cluster.client.create(NODES, { metadata: { name: "n1" } });
  await cluster.pass(60);
  assert.deepEqual(namesOf(cluster, PODS), ["web"]);
  await cluster.client.delete(NODES, { name: "n1" });
  await cluster.pass(38);
  assert.deepEqual(namesOf(cluster, PODS), ["web"]);
  await cluster.pass(4);
  assert.deepEqual(namesOf(cluster, PODS), []);
  cluster.stop();
});

test("a node that our cache has missed keeps its pods", async () => {
  const cluster = await withPodOnNode();
  await cluster.client.delete(NODES, { name: "n1" });
  await cluster.settle();
  cluster.transport.intercept = ({ verb, resource }) => {
    if (verb === "list" && resource === NODES) throw new Error("not now");
  };
  cluster.transport.compact();
  cluster.transport.cutWatches();
  await cluster.client.create(NODES, { metadata: { name: "n1" } });
  cluster.transport.compact();
  await cluster.pass(50);
  assert.deepEqual(namesOf(cluster, PODS), ["web"]);
  cluster.stop();
});

test("a pod that was to leave before it had a node goes at once", async () => {
  const cluster = testCluster(start);
  await cluster.client.create(PODS, { metadata: { ...pod("web"), finalizers: ["example.com/x"] }, spec: { ...spec, schedulerName: "none" } });
  await cluster.client.delete(PODS, pod("web"), { gracePeriodSeconds: 30 });
  await cluster.settle();
  assert.equal(cluster.transport.objects(PODS)[0]?.status.phase, "Failed");
  await cluster.client.patch(PODS, pod("web"), "merge", { metadata: { finalizers: null } });
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, PODS), []);
  cluster.stop();
});

test("pods that leave a node declared out of service go once it is not ready, whichever comes first", async () => {
  const cluster = testCluster(start, () => undefined);
  const ready = (status: string) =>
    cluster.client.patch(NODES, { name: "n1" }, "merge", { status: { conditions: [{ type: "Ready", status }] } }, { subresource: "status" });
  await cluster.client.create(NODES, { metadata: { name: "n1" } });
  await ready("True");
  for (const name of ["stays", "leaves"]) await cluster.client.create(PODS, { metadata: { ...pod(name), finalizers: ["example.com/x"] }, spec });
  await cluster.settle();
  await cluster.client.delete(PODS, pod("leaves"));
  await cluster.client.patch(NODES, { name: "n1" }, "merge", { spec: { taints: [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }] } });
  await cluster.settle();
  const phases = () => cluster.transport.objects(PODS).map(({ status }) => status.phase);
  assert.deepEqual(phases(), ["Pending", "Pending"]);
  await ready("Unknown");
  await cluster.settle();
  assert.deepEqual(phases(), ["Failed", "Pending"]);
  cluster.stop();
});

test("of too many finished pods the oldest go", async () => {
  const cluster = testCluster(
    (deps) => startPodGc(deps, 2),
    () => undefined,
  );
  await cluster.client.create(NODES, { metadata: { name: "n1" } });
  for (const name of ["a", "b", "c", "d"]) {
    await cluster.client.create(PODS, { metadata: pod(name), spec });
    await cluster.pass(1);
  }
  for (const name of ["d", "c", "b"]) await cluster.client.patch(PODS, pod(name), "merge", { status: { phase: "Succeeded" } }, { subresource: "status" });
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, PODS), ["a", "c", "d"]);
  cluster.stop();
});
