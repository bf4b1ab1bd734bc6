import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

import { CONFIG_MAPS, ROUGH_CASES, type RoughCase } from "./rough-cases.ts";
import { type Answer, PATIENCE_MS, RoughClient } from "./rough-client.ts";

let server: TestServer;
let client: RoughClient;
before(async () => {
  server = await startTestServer();
  client = new RoughClient(server);
  const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "stays" }, data: { a: "1" } });
  assert.equal((await client.http1({ path: CONFIG_MAPS, body })).code, 201);
  const account = JSON.stringify({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } }); // admission waits for it otherwise
  assert.equal((await client.http1({ path: "/api/v1/namespaces/default/serviceaccounts", body: account })).code, 201);
});
after(async () => {
  client.close();
  await server.close();
});

function assertRefused(answer: Answer, { code, says, plain }: RoughCase): void {
  assert.equal(answer.code, code, answer.text.slice(0, 400));
  assert.ok(answer.ms < PATIENCE_MS, `took ${answer.ms.toFixed(0)} ms`);
  if (plain === undefined) assertStatus(answer, code, says);
  else assert.equal(answer.text, plain);
}

function assertStatus(answer: Answer, code: number, says: RegExp | undefined): void {
  const status = JSON.parse(answer.text) as Record<string, unknown>;
  assert.deepEqual([status["kind"], status["status"], status["code"]], ["Status", "Failure", code]);
  assert.match(String(status["reason"]), /^[A-Z]/);
  if (says !== undefined) assert.match(String(status["message"]), says);
}

for (const each of ROUGH_CASES) {
  test(`${each.name}: ${each.code}, by HTTP/1.1 and HTTP/2`, async () => {
    assertRefused(await client.http1(each), each);
    assertRefused(await client.http2(each), each);
  });
}

test("keys named like parts of JavaScript's objects are data", async () => {
  const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"js","annotations":{"constructor":"a"}},"data":{"__proto__":"x","constructor":"y","toString":"z"},"__proto__":{"polluted":true}}`;
  const answer = await client.http1({ path: CONFIG_MAPS, body });
  assert.equal(answer.code, 201);
  const { data } = JSON.parse(answer.text) as { data: object };
  assert.deepEqual(Object.entries(data), [
    ["__proto__", "x"],
    ["constructor", "y"],
    ["toString", "z"],
  ]);
  const patch = { path: `${CONFIG_MAPS}/js`, method: "PATCH", headers: { "content-type": "application/merge-patch+json" } };
  assert.equal((await client.http1({ ...patch, body: '{"__proto__":{"polluted":true},"data":{"__proto__":null}}' })).code, 200);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  const { data: left } = JSON.parse((await client.http1({ method: "GET", path: `${CONFIG_MAPS}/js` })).text) as { data: object };
  assert.deepEqual(Object.keys(left), ["constructor", "toString"]);
});
