import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIG_MAPS, NAMESPACES } from "#api/builtin.ts";
import { startRootCa } from "#controllers/rootca/controller.ts";
import { testCluster, type Cluster } from "#controllers/testing/cluster.ts";

const KEY = { namespace: "a", name: "kube-root-ca.crt" };
const DESCRIPTION = "kubernetes.io/description";
const start = (deps: Cluster["deps"]) => startRootCa(deps, "PEM");
const published = ({ transport }: Cluster) => transport.objects(CONFIG_MAPS).filter(({ metadata }) => metadata.name === KEY.name);

async function withNamespace(): Promise<Cluster> {
  const cluster = testCluster(start);
  await cluster.client.create(NAMESPACES, { metadata: { name: "a" }, spec: { finalizers: ["kubernetes"] } });
  await cluster.settle();
  return cluster;
}

test("every namespace is given the certificate, and again when it is deleted", async () => {
  const cluster = await withNamespace();
  for (let round = 0; round < 2; round++) {
    const [map] = published(cluster);
    assert.deepEqual([map?.data, map?.metadata.annotations?.[DESCRIPTION] !== undefined], [{ "ca.crt": "PEM" }, true]);
    await cluster.client.delete(CONFIG_MAPS, KEY);
    await cluster.settle();
  }
  cluster.stop();
});

for (const { name, change, want } of [
  { name: "puts other data right", change: { data: { "ca.crt": "FALSE", more: "x" } }, want: { data: { "ca.crt": "PEM" }, mine: undefined } },
  {
    name: "gives the description back, and leaves other annotations",
    change: { metadata: { annotations: { [DESCRIPTION]: null, mine: "1" } } },
    want: { data: { "ca.crt": "PEM" }, mine: "1" },
  },
]) {
  test(`the certificate's controller ${name}`, async () => {
    const cluster = await withNamespace();
    await cluster.client.patch(CONFIG_MAPS, KEY, "merge", change);
    await cluster.settle();
    const [map] = published(cluster);
    assert.deepEqual({ data: map?.data, mine: map?.metadata.annotations?.["mine"] }, want);
    assert.ok(map?.metadata.annotations?.[DESCRIPTION]);
    const { revision } = cluster.transport;
    await cluster.pass(10);
    assert.equal(cluster.transport.revision, revision);
    assert.deepEqual(cluster.complaints, []);
    cluster.stop();
  });
}

test("a namespace that is being deleted is left alone", async () => {
  const cluster = await withNamespace();
  await cluster.client.delete(NAMESPACES, { name: "a" });
  await cluster.client.delete(CONFIG_MAPS, KEY);
  await cluster.settle();
  assert.deepEqual(published(cluster), []);
  cluster.stop();
});
