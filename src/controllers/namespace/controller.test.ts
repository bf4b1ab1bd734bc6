import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIG_MAPS, NAMESPACES, NODES, PODS, SECRETS } from "#api/builtin.ts";
import { unavailable } from "#client/testing/fake-transport.ts";
import { startNamespaces } from "#controllers/namespace/controller.ts";
import { namesOf, testCluster, type Cluster } from "#controllers/testing/cluster.ts";

const start = (deps: Cluster["deps"]) => startNamespaces(deps, () => [CONFIG_MAPS, SECRETS, PODS, NODES]);
const spec = { containers: [{ name: "main", image: "app:1" }] };

async function shop(cluster: Cluster, finalizers: readonly string[] = []): Promise<void> {
  const { client } = cluster;
  await client.create(NAMESPACES, { metadata: { name: "shop" }, spec: { finalizers: ["kubernetes"] } });
  await client.create(CONFIG_MAPS, { metadata: { namespace: "shop", name: "settings", finalizers } });
  await client.create(CONFIG_MAPS, { metadata: { namespace: "default", name: "other" } });
  await client.create(PODS, { metadata: { namespace: "shop", name: "web" }, spec });
  await cluster.settle();
}

const conditions = ({ transport }: Cluster) =>
  Object.fromEntries((transport.objects(NAMESPACES)[0]?.status?.conditions ?? []).map(({ type, status }) => [type, status]));

test("a namespace that is deleted is emptied, pods first, and goes; others keep what they hold", async () => {
  const cluster = testCluster(start);
  await shop(cluster);
  const from = cluster.transport.writes.length;
  await cluster.client.delete(NAMESPACES, { name: "shop" });
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, NAMESPACES), []);
  assert.deepEqual(namesOf(cluster, CONFIG_MAPS), ["other"]);
  const gone = cluster.transport.writes.slice(from).filter((write) => write.startsWith("delete "));
  assert.ok(gone.lastIndexOf("delete pods shop/web") < gone.indexOf("delete configmaps shop/settings"), gone.join("; "));
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("a namespace is emptied of what other servers have, and waits for those that do not say what they have", async () => {
  let unknown = ["g.example.com/v1"];
  const cluster = testCluster((deps) =>
    startNamespaces(
      deps,
      () => [PODS, NODES],
      () => ({ resources: [CONFIG_MAPS], unknown }),
    ),
  );
  await shop(cluster);
  await cluster.client.delete(NAMESPACES, { name: "shop" });
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, CONFIG_MAPS), ["other"]);
  assert.equal(conditions(cluster)["NamespaceDeletionDiscoveryFailure"], "True");
  unknown = [];
  await cluster.pass(60);
  assert.deepEqual(namesOf(cluster, NAMESPACES), []);
  cluster.stop();
});

test("a namespace waits for pods that take their time, and leaves the rest alone meanwhile", async () => {
  const cluster = testCluster(start, () => undefined);
  await shop(cluster);
  await cluster.client.delete(NAMESPACES, { name: "shop" });
  await cluster.pass(30);
  assert.deepEqual(namesOf(cluster, CONFIG_MAPS), ["other", "settings"]);
  assert.equal(conditions(cluster)["NamespaceContentRemaining"], "True");
  await cluster.client.delete(PODS, { namespace: "shop", name: "web" }, { gracePeriodSeconds: 0 });
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, NAMESPACES), []);
  cluster.stop();
});

test("a namespace tells of finalizers, looks again soon, and writes nothing while it waits", async () => {
  const cluster = testCluster(start);
  await shop(cluster, ["example.com/hold"]);
  await cluster.client.delete(NAMESPACES, { name: "shop" });
  await cluster.settle();
  assert.deepEqual([conditions(cluster)["NamespaceContentRemaining"], conditions(cluster)["NamespaceFinalizersRemaining"]], ["True", "True"]);
  const { revision } = cluster.transport;
  await cluster.pass(3);
  assert.equal(cluster.transport.revision, revision);
  await cluster.client.patch(CONFIG_MAPS, { namespace: "shop", name: "settings" }, "merge", { metadata: { finalizers: null } });
  await cluster.pass(5);
  assert.deepEqual(namesOf(cluster, NAMESPACES), []);
  cluster.stop();
});

test("a namespace does not go while a resource cannot be looked at", async () => {
  const cluster = testCluster(start);
  await shop(cluster);
  cluster.transport.intercept = ({ verb, resource }) => {
    if (verb === "list" && resource === SECRETS) throw unavailable();
  };
  await cluster.client.delete(NAMESPACES, { name: "shop" });
  await cluster.pass(5);
  assert.deepEqual(namesOf(cluster, NAMESPACES), ["shop"]);
  assert.equal(conditions(cluster)["NamespaceDeletionContentFailure"], "True");
  cluster.transport.intercept = () => {};
  await cluster.pass(60);
  assert.deepEqual(namesOf(cluster, NAMESPACES), []);
  cluster.stop();
});
