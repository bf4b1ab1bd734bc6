import assert from "node:assert/strict";
import { test } from "node:test";

import * as builtins from "#api/builtin.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { startControllers } from "#controllers/controllers.ts";
import { testCluster } from "#controllers/testing/cluster.ts";
import { draftOf, serviceWith } from "#controllers/testing/objects.ts";

const { DEPLOYMENTS, ENDPOINTS, NAMESPACES, NODES, PERSISTENT_VOLUME_CLAIMS, PODS, REPLICA_SETS, SERVICES, ...others } = builtins;
const ALL = [DEPLOYMENTS, ENDPOINTS, NAMESPACES, NODES, PERSISTENT_VOLUME_CLAIMS, PODS, REPLICA_SETS, SERVICES, ...Object.values(others)];

test("all controllers together come to rest: in a settled cluster they neither write nor ask", async () => {
  const cluster = testCluster(({ logger, rng, clock, client, informers, recorderFor, signal }) => {
    const controllers = startControllers({ client, informers, clock, rng, logger, recorderFor, resources: () => ALL, rootCa: "PEM", signToken: () => "T" });
    signal.addEventListener("abort", () => controllers.stop());
  });
  const { client, transport } = cluster;
  for (const name of ["default", "gone"]) await client.create(NAMESPACES, { metadata: { name }, spec: { finalizers: ["kubernetes"] } });
  await client.create(NODES, { metadata: { name: "n1" } });
  const conditions = [{ type: "Ready", status: "True" }];
  await client.patch(NODES, { name: "n1" }, "merge", { status: { conditions } }, { subresource: "status" });
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "app:1" }] } };
  await client.create(DEPLOYMENTS, {
    metadata: { namespace: "default", name: "web" },
    spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template, strategy: { type: "RollingUpdate" }, progressDeadlineSeconds: 600 },
  });
  await client.create(SERVICES, draftOf(serviceWith()));
  await client.create(SERVICES, draftOf(serviceWith({ selector: undefined }, "by-hand")));
  await client.create(ENDPOINTS, {
    metadata: { namespace: "default", name: "by-hand" },
    subsets: [{ addresses: [{ ip: "192.0.2.1" }], ports: [{ port: 80 }] }],
  });
  for (const namespace of ["default", "gone"]) await client.create(PERSISTENT_VOLUME_CLAIMS, { metadata: { namespace, name: "data" }, spec: {} });
  await cluster.settle();
  await client.delete(NAMESPACES, { name: "gone" });
  await cluster.pass(10);
  assert.equal(transport.objects(PODS).length, 3);
  assert.deepEqual(
    transport.objects(NAMESPACES).map(({ metadata }) => metadata.name),
    ["default"],
  );
  const asked: string[] = [];
  transport.intercept = (call) => {
    if (cluster.isControllers(call)) asked.push(`${call.verb} ${call.resource.plural} ${call.name}`);
  };
  for (let round = 0; round < 4; round++) {
    await cluster.pass(15);
    // Every controller has to look again, and finds nothing to do.
    for (const resource of [NAMESPACES, NODES, PERSISTENT_VOLUME_CLAIMS, PODS, REPLICA_SETS, SERVICES] as const)
      for (const { metadata } of transport.objects<KubeObject>(resource))
        await client.patch<KubeObject>(resource, metadata, "merge", { metadata: { annotations: { touched: String(round) } } });
    const heartbeat = [{ type: "Ready", status: "True", lastHeartbeatTime: `2026-01-01T00:0${round}:00Z` }];
    await client.patch(NODES, { name: "n1" }, "merge", { status: { conditions: heartbeat } }, { subresource: "status" });
  }
  await cluster.settle();
  assert.deepEqual(asked, []);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});
