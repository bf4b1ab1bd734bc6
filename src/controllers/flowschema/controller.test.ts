import assert from "node:assert/strict";
import { test } from "node:test";

import type { FlowSchema } from "#api/flowcontrol-v1/types.ts";
import { builtin } from "#api/resources.ts";
import { startFlowSchemas } from "#controllers/flowschema/controller.ts";
import { testCluster } from "#controllers/testing/cluster.ts";

const SCHEMAS = builtin<FlowSchema>("flowcontrol.apiserver.k8s.io", "v1", "flowschemas");
const LEVELS = builtin("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations");

test("startFlowSchemas() tells whether a schema's level is there, follows it, and rests", async () => {
  const cluster = testCluster(startFlowSchemas);
  const { client, transport } = cluster;
  const condition = () => {
    const [{ type, status, reason, message }] = transport.objects<FlowSchema>(SCHEMAS)[0]!.status!.conditions! as [Record<string, unknown>];
    return [type, status, reason, message];
  };
  const named = 'This FlowSchema references the PriorityLevelConfiguration object named "own"';
  const dangling = ["Dangling", "True", "NotFound", `${named} but there is no such object`];
  const found = ["Dangling", "False", "Found", `${named} and it exists`];
  await client.create(SCHEMAS, { metadata: { name: "s" }, spec: { priorityLevelConfiguration: { name: "own" }, matchingPrecedence: 9, rules: [] } });
  await cluster.settle();
  assert.deepEqual(condition(), dangling);
  await client.create(LEVELS, { metadata: { name: "own" }, spec: { type: "Limited" } } as object as never);
  await cluster.settle();
  assert.deepEqual(condition(), found);
  const { revision } = transport;
  await cluster.pass(10);
  assert.equal(transport.revision, revision);
  await client.delete(LEVELS, { name: "own" });
  await cluster.settle();
  assert.deepEqual(condition(), dangling);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});
