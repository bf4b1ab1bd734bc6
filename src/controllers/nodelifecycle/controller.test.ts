import assert from "node:assert/strict";
import { test } from "node:test";

import { EVENTS, NODES, PODS } from "#api/builtin.ts";
import { startNodeLifecycle } from "#controllers/nodelifecycle/controller.ts";
import { testCluster, type Cluster } from "#controllers/testing/cluster.ts";
import { formatTime } from "#lib/clock.ts";

test("a node that falls silent becomes Unknown after its grace, is tainted, and is trusted again when it speaks", async () => {
  const cluster = testCluster(startNodeLifecycle);
  const beat = (name: string) => {
    const condition = { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: formatTime(cluster.clock.now()) };
    return cluster.client.patch(NODES, { name }, "merge", { status: { conditions: [condition] } }, { subresource: "status" });
  };
  const taints = () => cluster.transport.objects(NODES)[0]!.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`) ?? [];
  for (const name of ["a", "b"]) await cluster.client.create(NODES, { metadata: { name } });
  await beat("a");
  await cluster.settle();
  for (let i = 0; i < 6; i++) {
    await beat("b");
    await cluster.pass(10);
  }
  const ready = cluster.transport.objects(NODES)[0]!.status?.conditions?.find(({ type }) => type === "Ready");
  assert.deepEqual([ready?.status, ready?.reason], ["Unknown", "NodeStatusUnknown"]);
  assert.deepEqual(taints(), ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"]);
  await beat("a");
  await cluster.settle();
  assert.deepEqual(taints(), []);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

const READY = (cluster: Cluster, status: string) => ({ type: "Ready", status, lastHeartbeatTime: formatTime(cluster.clock.now()) });
const tell = (cluster: Cluster, name: string, status = "True") =>
  cluster.client.patch(NODES, { name }, "merge", { status: { conditions: [READY(cluster, status)] } }, { subresource: "status" });
const evicting = ({ transport }: Cluster) =>
  transport.objects(NODES).flatMap(({ metadata, spec }) => (spec?.taints?.some(({ effect }) => effect === "NoExecute") ? [metadata.name] : []));

async function nodesIn(cluster: Cluster, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await cluster.client.create(NODES, { metadata: { name } });
    await tell(cluster, name);
  }
  await cluster.settle();
}

test("silent nodes lose their pods one after the other", async () => {
  const cluster = testCluster(startNodeLifecycle);
  await nodesIn(cluster, ["a", "b", "c", "d", "e", "f"]);
  for (const name of ["a", "b"]) await tell(cluster, name, "False");
  await cluster.settle();
  assert.equal(evicting(cluster).length, 1);
  await cluster.pass(11);
  assert.equal(evicting(cluster).length, 2);
  cluster.stop();
});

test("nodes that were spared while most of their zone was silent lose their pods once it is not", async () => {
  const cluster = testCluster(startNodeLifecycle);
  await nodesIn(cluster, ["a", "b", "c", "d", "e"]);
  // All at once: with three of five silent the zone is left alone.
  await Promise.all(["a", "b", "c"].map((name) => tell(cluster, name, "False")));
  await cluster.settle();
  const before = evicting(cluster).length;
  await cluster.pass(20);
  assert.equal(evicting(cluster).length, before);
  await tell(cluster, "c");
  await cluster.pass(15);
  assert.deepEqual(evicting(cluster), ["a", "b"]);
  cluster.stop();
});

test("when no node is heard of, none loses its pods, and what was begun is taken back", async () => {
  const cluster = testCluster(startNodeLifecycle);
  await nodesIn(cluster, ["a", "b"]);
  await tell(cluster, "a", "False");
  await cluster.settle();
  assert.deepEqual(evicting(cluster), ["a"]);
  await tell(cluster, "b", "False");
  await cluster.settle();
  assert.deepEqual(evicting(cluster), []);
  const { revision } = cluster.transport;
  await cluster.pass(20);
  assert.equal(cluster.transport.revision, revision);
  await tell(cluster, "b");
  await cluster.pass(15);
  assert.deepEqual(evicting(cluster), ["a"]);
  cluster.stop();
});

test("pods of a silent node are told unready, those of one that says itself that it is not ready are its own affair", async () => {
  const cluster = testCluster(startNodeLifecycle, ({ metadata }) => (metadata.annotations?.["once"] === "told" ? undefined : "ready"));
  await nodesIn(cluster, ["n1", "other"]);
  await cluster.client.create(PODS, { metadata: { namespace: "default", name: "p" }, spec: { containers: [{ name: "main" }] } });
  await cluster.settle();
  await cluster.client.patch(PODS, { namespace: "default", name: "p" }, "merge", { metadata: { annotations: { once: "told" } } });
  const isReady = () => cluster.transport.objects(PODS)[0]!.status.conditions?.find(({ type }) => type === "Ready")?.status;
  await tell(cluster, "n1", "False");
  await cluster.settle();
  assert.equal(isReady(), "True");
  await tell(cluster, "n1");
  for (let i = 0; i < 6; i++) {
    await tell(cluster, "other");
    await cluster.pass(10);
  }
  assert.equal(isReady(), "False");
  const events = cluster.transport.objects(EVENTS).filter(({ reason }) => reason === "NodeNotReady");
  assert.deepEqual(events.map(({ type, involvedObject }) => `${type} ${involvedObject.kind}`).sort(), ["Normal Node", "Warning Pod"]);
  cluster.stop();
});
