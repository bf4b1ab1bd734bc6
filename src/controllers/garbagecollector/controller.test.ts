import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIG_MAPS } from "#api/builtin.ts";
import { startGarbageCollector } from "#controllers/garbagecollector/controller.ts";
import { namesOf, testCluster } from "#controllers/testing/cluster.ts";

const startCollector = (deps: Parameters<typeof startGarbageCollector>[0]) => void startGarbageCollector(deps, () => [CONFIG_MAPS]);

async function family() {
  const cluster = testCluster(startCollector);
  const make = (name: string, owner?: { readonly uid?: string | undefined }) => {
    const reference = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner?.uid ?? "", blockOwnerDeletion: true };
    return cluster.client.create(CONFIG_MAPS, { metadata: { namespace: "default", name, ...(owner && { ownerReferences: [reference] }) } });
  };
  const owner = await make("owner");
  await make("child", owner.metadata);
  await cluster.settle();
  return { cluster, make };
}

for (const [propagationPolicy, want] of [
  ["Background", []],
  ["Foreground", []],
  ["Orphan", ["child"]],
] as const) {
  test(`the garbage collector leaves ${JSON.stringify(want)} after a deletion with ${propagationPolicy}`, async () => {
    const { cluster } = await family();
    assert.deepEqual(namesOf(cluster, CONFIG_MAPS), ["child", "owner"]);
    await cluster.client.delete(CONFIG_MAPS, { namespace: "default", name: "owner" }, { propagationPolicy });
    await cluster.settle();
    assert.deepEqual(namesOf(cluster, CONFIG_MAPS), want);
    cluster.stop();
  });
}

test("the garbage collector deletes what names an owner that never was", async () => {
  const { cluster, make } = await family();
  await make("stray", { uid: "of-nobody" });
  await cluster.settle();
  assert.deepEqual(namesOf(cluster, CONFIG_MAPS), ["child", "owner"]);
  cluster.stop();
});
