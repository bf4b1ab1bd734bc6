import assert from "node:assert/strict";
import { test } from "node:test";

import type { Loose } from "#test/webhooks/conversion-webhook.ts";
import { call, defined, hook, setUp, v1, v2 } from "#test/webhooks/converted-things.ts";

setUp();

const apply = (path: string, object: object, manager: string, more = "") =>
  call("PATCH", `${path}/a?fieldManager=${manager}${more}`, object, "application/apply-patch+yaml");
const merge = (path: string, patch: object, manager: string) => call("PATCH", `${path}/a?fieldManager=${manager}`, patch, "application/merge-patch+json");

/** Who owns which fields of the spec, and in which version. */
const owners = ({ metadata }: Loose) =>
  Object.fromEntries(
    metadata.managedFields.map(({ manager, apiVersion, fieldsV1 }: Loose) => [
      `${manager} ${apiVersion.split("/")[1]}`,
      Object.keys(fieldsV1["f:spec"] ?? {}).filter((name) => name !== "."),
    ]),
  );

test("who changes a field in one version takes it from those who own it in another", async () => {
  const { group, v1: old, v2: other } = await defined();
  await call("POST", `${other}?fieldManager=maker`, v2(group, "a", "h", 1));
  assert.deepEqual(owners((await call("GET", `${old}/a`)).body), { "maker v2": ["f:host", "f:port"] });
  const patched = await merge(old, { spec: { address: "h:2" } }, "patcher");
  assert.deepEqual(owners(patched.body), { "maker v2": ["f:host"], "patcher v1": ["f:address"] });
  const back = await merge(other, { spec: { port: 3 } }, "again");
  assert.deepEqual(owners(back.body), { "maker v2": ["f:host"], "again v2": ["f:port"] });
  const same = await merge(other, { spec: { port: 3, replicas: 1 } }, "more");
  assert.deepEqual(owners(same.body), { "maker v2": ["f:host"], "again v2": ["f:port"], "more v2": ["f:replicas"] });
});

test("applies in different versions conflict over what they say of the same", async () => {
  const { group, v1: old, v2: other } = await defined();
  await apply(other, v2(group, "a", "h", 1), "first");
  const refused = await apply(old, v1(group, "a", "h:2"), "second");
  assert.equal(refused.code, 409);
  assert.deepEqual(
    refused.body["details"].causes.map(({ field, message }: Loose) => [field, message]),
    [[".spec.port", `conflict with "first"`]],
  );
  assert.equal((await apply(old, v1(group, "a", "h:1"), "second")).code, 200);
  const forced = await apply(old, v1(group, "a", "h:2"), "second", "&force=true");
  assert.deepEqual(owners(forced.body), { "first v2": ["f:host"], "second v1": ["f:address"] });
});

test("what is applied no longer goes, also when it was applied in another version", async () => {
  const { group, v1: old, v2: other } = await defined();
  await apply(old, { ...v1(group, "a", "h:1"), spec: { address: "h:1", replicas: 2 } }, "me");
  const next = await apply(other, v2(group, "a", "h", 1), "me");
  assert.deepEqual(next.body["spec"], { host: "h", port: 1 });
  assert.deepEqual(owners(next.body), { "me v2": ["f:host", "f:port"] });
  const fewer = await apply(old, { ...v1(group, "a", ""), spec: { replicas: 1 } }, "me");
  assert.deepEqual([fewer.code, fewer.body["spec"].replicas], [200, 1]);
  assert.deepEqual(owners(fewer.body), { "me v1": ["f:replicas"] });
});

test("owners are forgotten when their version cannot be had, as upstream does", async () => {
  const { group, v1: old, v2: other } = await defined();
  await call("POST", `${other}?fieldManager=maker`, v2(group, "a", "h", 1));
  hook.instead = () => ({ raw: "{}", code: 500 });
  const { code, body } = await merge(old, { spec: { address: "h:2" } }, "patcher");
  assert.deepEqual([code, body["metadata"].managedFields], [200, undefined]);
});
