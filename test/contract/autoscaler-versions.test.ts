import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { HttpTransport } from "#client/http-transport.ts";
import { systemClock } from "#lib/system-clock.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

let server: TestServer;
let transport: HttpTransport;
before(async () => {
  server = await startTestServer();
  transport = new HttpTransport({ server: server.url, ca: server.ca, ...server.admin, clock: systemClock });
});
after(async () => {
  transport.close();
  await server.close();
});

interface Autoscaler {
  readonly apiVersion: string;
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly items?: readonly Autoscaler[];
}

async function ask(version: "v1" | "v2", name: string, method = "GET", body?: object): Promise<Autoscaler> {
  const path = `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers${name && `/${name}`}`;
  const contentType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const answer = await transport.request({ path, method, ...(body && { body: JSON.stringify(body), headers: { "content-type": contentType } }) });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.body.toString()}`);
  return JSON.parse(answer.body.toString()) as Autoscaler;
}

const scaleTargetRef = { kind: "Deployment", name: "web", apiVersion: "apps/v1" };
const memory = { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } };
const cpu = (averageUtilization: number) => ({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization } } });
const METRICS = "autoscaling.alpha.kubernetes.io/metrics";

test("an autoscaler of the newer version keeps what the older one has no fields for, when it is changed through that", async () => {
  const behavior = { scaleDown: { selectPolicy: "Disabled" } };
  await ask("v2", "", "POST", { metadata: { name: "newer" }, spec: { scaleTargetRef, maxReplicas: 3, metrics: [memory, cpu(50)], behavior } });
  const older = await ask("v1", "newer");
  assert.equal(older.apiVersion, "autoscaling/v1");
  assert.equal(older.spec["targetCPUUtilizationPercentage"], 50);
  assert.match(older.metadata.annotations?.[METRICS] ?? "", /"name":"memory"/);
  await ask("v1", "newer", "PATCH", { spec: { maxReplicas: 9, targetCPUUtilizationPercentage: 60 } });
  const changed = await ask("v2", "newer");
  assert.equal(changed.spec["maxReplicas"], 9);
  assert.deepEqual(changed.spec["metrics"], [memory, cpu(60)]);
  assert.equal((changed.spec["behavior"] as typeof behavior).scaleDown.selectPolicy, "Disabled");
  assert.equal(changed.metadata.annotations, undefined);
});

test("an autoscaler of the older version is one of the newer, in lists too", async () => {
  await ask("v1", "", "POST", { metadata: { name: "older" }, spec: { scaleTargetRef, maxReplicas: 3 } });
  assert.deepEqual((await ask("v2", "older")).spec["metrics"], [cpu(80)]);
  const named = (list: Autoscaler) => list.items?.map(({ spec }) => [Object.hasOwn(spec, "metrics"), Object.hasOwn(spec, "targetCPUUtilizationPercentage")]);
  for (const found of named(await ask("v1", "")) ?? []) assert.deepEqual(found, [false, true]);
  for (const found of named(await ask("v2", "")) ?? []) assert.deepEqual(found, [true, false]);
  await ask("v1", "older", "DELETE");
  assert.equal((await ask("v2", "")).items?.length, 1);
});
