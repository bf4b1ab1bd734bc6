import assert from "node:assert/strict";
import { test } from "node:test";

import { NODES } from "#api/builtin.ts";
import { startNodeLifecycle } from "#controllers/nodelifecycle/controller.ts";
import { testCluster } from "#controllers/testing/cluster.ts";
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
