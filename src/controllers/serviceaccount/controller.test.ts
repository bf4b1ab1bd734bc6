import assert from "node:assert/strict";
import { test } from "node:test";

import { NAMESPACES, SERVICE_ACCOUNTS } from "#api/builtin.ts";
import { unavailable } from "#client/testing/fake-transport.ts";
import { startServiceAccounts } from "#controllers/serviceaccount/controller.ts";
import { testCluster, type Cluster } from "#controllers/testing/cluster.ts";

const accounts = ({ transport }: Cluster) => transport.objects(SERVICE_ACCOUNTS).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);

test("every active namespace has its default account, made anew when it is deleted", async () => {
  const cluster = testCluster(startServiceAccounts);
  for (const name of ["a", "b"]) await cluster.client.create(NAMESPACES, { metadata: { name }, spec: { finalizers: ["kubernetes"] } });
  await cluster.settle();
  assert.deepEqual(accounts(cluster), ["a/default", "b/default"]);
  const [first] = cluster.transport.objects(SERVICE_ACCOUNTS);
  await cluster.client.delete(SERVICE_ACCOUNTS, { namespace: "a", name: "default" });
  await cluster.settle();
  assert.deepEqual(accounts(cluster), ["a/default", "b/default"]);
  assert.notEqual(cluster.transport.objects(SERVICE_ACCOUNTS)[0]!.metadata.uid, first!.metadata.uid);
  await cluster.client.delete(NAMESPACES, { name: "b" });
  await cluster.client.delete(SERVICE_ACCOUNTS, { namespace: "b", name: "default" });
  await cluster.settle();
  assert.deepEqual(accounts(cluster), ["a/default"]);
  const { revision } = cluster.transport;
  await cluster.pass(10);
  assert.equal(cluster.transport.revision, revision);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("a default account that could not be made is tried again", async () => {
  const cluster = testCluster(startServiceAccounts);
  let failures = 3;
  cluster.transport.intercept = ({ verb, resource }) => {
    if (verb === "create" && resource === SERVICE_ACCOUNTS && failures-- > 0) throw unavailable();
  };
  await cluster.client.create(NAMESPACES, { metadata: { name: "a" } });
  await cluster.pass(4);
  assert.deepEqual(accounts(cluster), ["a/default"]);
  cluster.stop();
});
