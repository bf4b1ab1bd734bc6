import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIG_MAPS } from "#api/builtin.ts";
import type { ResourceQuota } from "#api/core-v1/types.ts";
import { builtin, DEFAULT_KINDS, LEGACY_KINDS, type Resource } from "#api/resources.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { startTestServer } from "#test/api-server/test-server.ts";

const QUOTAS = builtin<ResourceQuota>("", "v1", "resourcequotas");

test("resourceQuotaAdmission() lets exactly as many through as fit, also of a burst, and counts a burst together", async (t) => {
  const { server, close } = await startTestServer();
  t.after(close);
  const perform = (verb: "create" | "update" | "get", resource: typeof QUOTAS | typeof CONFIG_MAPS, body: object, more: object = {}) =>
    server.pipeline.perform({ verb, resource, namespace: "default", body, ...more }, LOOPBACK_USER);
  const quota = (name: string, hard: object) => perform("create", QUOTAS, { metadata: { name }, spec: { hard } }) as Promise<ResourceQuota>;
  const first = await quota("first", { configmaps: "12" });
  const second = await quota("second", { "count/configmaps": "10" });
  await perform("update", QUOTAS, { ...first, status: { hard: { configmaps: "12" }, used: { configmaps: "2" } } }, { name: "first", subresource: "status" });
  await perform(
    "update",
    QUOTAS,
    { ...second, status: { hard: { "count/configmaps": "10" }, used: { "count/configmaps": "0" } } },
    { name: "second", subresource: "status" },
  );
  const before = server.cache.revision();

  const results = await Promise.allSettled(Array.from({ length: 25 }, (_, i) => perform("create", CONFIG_MAPS, { metadata: { name: `m-${i}` } })));

  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 10);
  for (const result of results) if (result.status === "rejected") assert.ok(isStatus(result.reason, "Forbidden"));
  const used = async (name: string) => ((await perform("get", QUOTAS, {}, { name })) as ResourceQuota).status.used;
  assert.deepEqual([await used("first"), await used("second")], [{ configmaps: "12" }, { "count/configmaps": "10" }]);
  assert.ok(server.cache.revision() - before <= 10 + 4, "few writes of the quotas");
});

test("resourceQuotaAdmission() counts what is made by an old group as what it becomes", async (t) => {
  const { server, close } = await startTestServer({ kinds: [...DEFAULT_KINDS, ...LEGACY_KINDS] });
  t.after(close);
  const perform = (verb: "create" | "update", resource: Resource, body: object, more: object = {}) =>
    server.pipeline.perform({ verb, resource, namespace: "default", body, ...more }, LOOPBACK_USER);
  const hard = { "count/deployments.apps": "1" };
  const quota = (await perform("create", QUOTAS, { metadata: { name: "q" }, spec: { hard } })) as ResourceQuota;
  await perform("update", QUOTAS, { ...quota, status: { hard, used: { "count/deployments.apps": "0" } } }, { name: "q", subresource: "status" });
  const old = builtin("extensions", "v1beta1", "deployments");
  const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "main", image: "main:1" }] } };
  const make = (name: string) => perform("create", old, { apiVersion: "extensions/v1beta1", kind: "Deployment", metadata: { name }, spec: { template } });
  await make("first");
  await assert.rejects(make("second"), { code: 403, message: /exceeded quota: q, requested: count\/deployments\.apps=1/ });
});
