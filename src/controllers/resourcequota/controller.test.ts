import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIG_MAPS, PODS, RESOURCE_QUOTAS, SERVICES } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { ResourceQuotas } from "#controllers/resourcequota/controller.ts";
import { testCluster, type Cluster } from "#controllers/testing/cluster.ts";

const WIDGETS: Resource = { group: "example.com", version: "v1", plural: "widgets", kind: "Widget", namespaced: true } as Resource;

function quotaCluster(served: Resource[] = [PODS, SERVICES, CONFIG_MAPS]) {
  let quotas: ResourceQuotas | undefined;
  const cluster = testCluster((deps) => (quotas = new ResourceQuotas(deps, () => served)));
  return { cluster, resourcesChanged: () => quotas!.resourcesChanged() };
}

const makeQuota = ({ client }: Cluster, hard: Record<string, string>, spec: object = {}) =>
  client.create(RESOURCE_QUOTAS, { metadata: { namespace: "default", name: "q" }, spec: { hard, ...spec } });

const makePod = ({ client }: Cluster, name: string, cpu = "500m", spec: object = {}, namespace = "default") =>
  client.create(PODS, {
    metadata: { namespace, name },
    spec: { containers: [{ name: "main", image: "app:1", resources: { requests: { cpu } } }], ...spec },
  });

const statusOf = ({ transport }: Cluster) => transport.objects(RESOURCE_QUOTAS)[0]!.status;
const setPhase = ({ client }: Cluster, name: string, phase: string) =>
  client.patch(PODS, { namespace: "default", name }, "merge", { status: { phase } }, { subresource: "status" });

test("a quota's status says what its namespace uses, what came before it included, and comes to rest", async () => {
  const { cluster } = quotaCluster();
  await makePod(cluster, "one");
  await makePod(cluster, "elsewhere", "1", {}, "other");
  await makeQuota(cluster, { pods: "5", "requests.cpu": "2", services: "1", "count/unheard.of": "3" });
  await cluster.settle();
  assert.deepEqual(statusOf(cluster), {
    hard: { "count/unheard.of": "3", pods: "5", "requests.cpu": "2", services: "1" },
    used: { pods: "1", "requests.cpu": "500m", services: "0" },
  });
  const { revision } = cluster.transport;
  await cluster.pass(700);
  assert.equal(cluster.transport.revision, revision);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});

test("pods that end or go give back what they used, and a quota with new limits is counted anew", async () => {
  const { cluster } = quotaCluster();
  for (const name of ["one", "two", "three"]) await makePod(cluster, name);
  await makeQuota(cluster, { pods: "5", "count/pods": "9" });
  await cluster.settle();
  await setPhase(cluster, "one", "Succeeded");
  await cluster.client.delete(PODS, { namespace: "default", name: "two" });
  await cluster.settle();
  assert.deepEqual(statusOf(cluster)?.used, { "count/pods": "2", pods: "1" });
  await cluster.client.patch(RESOURCE_QUOTAS, { namespace: "default", name: "q" }, "merge", { spec: { hard: { pods: null, cpu: "4" } } });
  await cluster.settle();
  assert.deepEqual(statusOf(cluster), { hard: { "count/pods": "9", cpu: "4" }, used: { "count/pods": "2", cpu: "500m" } });
  cluster.stop();
});

for (const { name, spec, want } of [
  { name: "of a scope", spec: { scopes: ["Terminating"] }, want: "1" },
  {
    name: "that its selector leaves out",
    spec: { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "DoesNotExist" }] } },
    want: "2",
  },
  { name: "of several scopes", spec: { scopes: ["NotTerminating", "NotBestEffort"] }, want: "2" },
]) {
  test(`a quota counts pods ${name}`, async () => {
    const { cluster } = quotaCluster();
    await makePod(cluster, "brief", "1", { activeDeadlineSeconds: 5, priorityClassName: "high" });
    await makePod(cluster, "plain");
    await makePod(cluster, "more");
    await makeQuota(cluster, { pods: "9" }, spec);
    await cluster.settle();
    assert.deepEqual(statusOf(cluster)?.used, { pods: want });
    cluster.stop();
  });
}

test("what admission has counted and is still on its way is left alone; a figure that is too small is put right", async () => {
  const { cluster } = quotaCluster();
  await makeQuota(cluster, { configmaps: "9" });
  await cluster.settle();
  const setUsed = (configmaps: string) =>
    cluster.client.patch(RESOURCE_QUOTAS, { namespace: "default", name: "q" }, "merge", { status: { used: { configmaps } } }, { subresource: "status" });
  await setUsed("2");
  await cluster.client.create(CONFIG_MAPS, { metadata: { namespace: "default", name: "one" } });
  await cluster.settle();
  assert.deepEqual(statusOf(cluster)?.used, { configmaps: "2" });
  for (const name of ["two", "three"]) await cluster.client.create(CONFIG_MAPS, { metadata: { namespace: "default", name } });
  await cluster.settle();
  assert.deepEqual(statusOf(cluster)?.used, { configmaps: "3" });
  await setUsed("7");
  await cluster.pass(301);
  assert.deepEqual(statusOf(cluster)?.used, { configmaps: "3" }, "a reservation for a write that failed ends with the next resync");
  cluster.stop();
});

test("limits in a status that are not the quota's are replaced", async () => {
  const { cluster } = quotaCluster();
  await makeQuota(cluster, { pods: "9" });
  await cluster.settle();
  await cluster.client.patch(
    RESOURCE_QUOTAS,
    { namespace: "default", name: "q" },
    "merge",
    { status: { hard: { pods: "1" }, used: { pods: "1" } } },
    { subresource: "status" },
  );
  await cluster.settle();
  assert.deepEqual(statusOf(cluster), { hard: { pods: "9" }, used: { pods: "0" } });
  cluster.stop();
});

test("custom resources count from when they are served, also in another version than before", async () => {
  const served: Resource[] = [PODS];
  const { cluster, resourcesChanged } = quotaCluster(served);
  await makeQuota(cluster, { "count/widgets.example.com": "4" });
  await cluster.settle();
  assert.deepEqual(statusOf(cluster)?.used ?? {}, {});
  served.push(WIDGETS);
  resourcesChanged();
  await cluster.client.create<KubeObject>(WIDGETS, { metadata: { namespace: "default", name: "w" } });
  await cluster.settle();
  assert.deepEqual(statusOf(cluster)?.used, { "count/widgets.example.com": "1" });
  served[1] = { ...WIDGETS, version: "v2" } as Resource;
  resourcesChanged();
  await cluster.client.create<KubeObject>(WIDGETS, { metadata: { namespace: "default", name: "x" } });
  await cluster.settle();
  assert.deepEqual(statusOf(cluster)?.used, { "count/widgets.example.com": "2" });
  cluster.stop();
});

test("a pod that should be gone by now costs nothing after the next resync", async () => {
  const { cluster } = quotaCluster();
  await makeQuota(cluster, { pods: "9" });
  const stuck = {
    metadata: { namespace: "default", name: "stuck", finalizers: ["example.com/wait"], deletionGracePeriodSeconds: 30 },
    spec: { containers: [] },
  };
  await cluster.client.create(PODS, stuck as unknown as Pod);
  await cluster.client.delete(PODS, { namespace: "default", name: "stuck" }, { gracePeriodSeconds: 30 });
  await cluster.settle();
  assert.deepEqual(statusOf(cluster)?.used, { pods: "1" });
  await cluster.pass(301);
  assert.deepEqual(statusOf(cluster)?.used, { pods: "0" });
  cluster.stop();
});
