import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { after, before, test } from "node:test";

import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";
import { testPki, type TestPki } from "#test/pki/test-pki.ts";
import { patchOf, startWebhook, type WebhookServer } from "#test/webhooks/webhook-server.ts";

const GROUP = "exact.example.com";
const THINGS = `/apis/${GROUP}/v1/namespaces/default/things`;
const LARGE = "9007199254740993";
const LARGEST = "9223372036854775807";
const LOWEST = "-9223372036854775808";

let api: TestServer;
let pki: TestPki;
let hook: WebhookServer;

function call(method: string, path: string, text = "", type = "application/json", accept = "application/json"): Promise<{ code: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": type, accept, "content-length": Buffer.byteLength(text) };
    const request = httpsRequest(`${api.url}${path}`, { method, ca: api.ca, ...api.admin, agent: false, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ code: response.statusCode!, text: Buffer.concat(chunks).toString() }));
    });
    request.once("error", reject);
    request.end(text);
  });
}

/** The literal of `spec.num` in a text. */
const found = (text: string) => /"spec":\{.*?"num":(-?[\d.e+]+)/.exec(text)?.[1];

before(async () => {
  [api, pki] = await Promise.all([startTestServer(), testPki()]);
  hook = await startWebhook(pki.server, () => patchOf({ op: "add", path: "/spec/more", value: "yes" }));
  const num = { type: "integer", format: "int64", minimum: -10 };
  const rule = { rule: "!has(self.num) || self.num != 9007199254740997" };
  const properties = { num, free: { "x-kubernetes-preserve-unknown-fields": true }, more: { type: "string" }, set: { type: "array", maxItems: 9, items: num } };
  const set = { ...properties, set: { ...properties.set, "x-kubernetes-list-type": "set" }, low: { type: "integer" } };
  const schema = { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: set, "x-kubernetes-validations": [rule] } } } };
  const additionalPrinterColumns = [{ name: "N", type: "integer", jsonPath: ".spec.num" }];
  const versions = [{ name: "v1", served: true, storage: true, schema, additionalPrinterColumns }];
  const definition = {
    metadata: { name: `things.${GROUP}` },
    spec: { group: GROUP, scope: "Namespaced", names: { plural: "things", kind: "Thing" }, versions },
  };
  const { code } = await call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", JSON.stringify(definition));
  assert.equal(code, 201);
  while ((await call("GET", THINGS)).code !== 200) await new Promise((resolve) => setImmediate(resolve));
});

after(async () => {
  await hook.close();
  await api.close();
});

const thing = (name: string, spec: string) => `{"apiVersion":"${GROUP}/v1","kind":"Thing","metadata":{"name":"${name}"},"spec":${spec}}`;

test("integers of 64 bits are stored and shown with every digit", async () => {
  const created = await call("POST", THINGS, thing("a", `{"num":${LARGEST},"low":${LOWEST},"free":{"x":[${LARGE}]}}`));
  assert.equal(created.code, 201, created.text);
  for (const path of [`${THINGS}/a`, THINGS]) {
    const { text } = await call("GET", path);
    assert.equal(found(text), LARGEST);
    assert.ok(text.includes(`"low":${LOWEST}`) && text.includes(`"x":[${LARGE}]`), text);
  }
  assert.match((await call("GET", `${THINGS}/a`, "", "application/json", "application/yaml")).text, new RegExp(`  num: ${LARGEST}\n`));
  const table = await call("GET", THINGS, "", "application/json", "application/json;as=Table;v=v1;g=meta.k8s.io");
  assert.ok(table.text.includes(`"cells":["a",${LARGEST}]`), table.text);
});

for (const { name, type, body } of [
  { name: "a merge patch", type: "application/merge-patch+json", body: `{"spec":{"num":${LARGE}}}` },
  { name: "a JSON patch", type: "application/json-patch+json", body: `[{"op":"add","path":"/spec/num","value":${LARGE}}]` },
  {
    name: "an apply",
    type: "application/apply-patch+yaml",
    body: `apiVersion: ${GROUP}/v1\nkind: Thing\nmetadata: {name: b}\nspec: {num: ${LARGE}, set: [${LARGE}]}\n`,
  },
]) {
  test(`${name} keeps every digit, and so does what others change afterwards`, async () => {
    await call("POST", THINGS, thing("b", "{}"));
    const patched = await call("PATCH", `${THINGS}/b?fieldManager=me`, body, type);
    assert.equal(patched.code, 200, patched.text);
    assert.equal(found(patched.text), LARGE);
    const again = await call("PATCH", `${THINGS}/b`, '{"metadata":{"labels":{"a":"b"}}}', "application/merge-patch+json");
    assert.equal(found(again.text), LARGE);
    const put = await call("PUT", `${THINGS}/b`, again.text.replace(`"num":${LARGE}`, `"num":${LARGEST}`));
    assert.deepEqual([put.code, found(put.text)], [200, LARGEST], put.text);
    await call("DELETE", `${THINGS}/b`);
  });
}

test("YAML keeps every digit", async () => {
  const created = await call(
    "POST",
    `${THINGS}?dryRun=All`,
    `apiVersion: ${GROUP}/v1\nkind: Thing\nmetadata: {name: yam}\nspec: {num: ${LARGE}}\n`,
    "application/yaml",
  );
  assert.deepEqual([created.code, found(created.text)], [201, LARGE], created.text);
});

test("rules look at every digit", async () => {
  const low = await call("POST", `${THINGS}?dryRun=All`, thing("c", `{"num":${LOWEST}}`));
  assert.equal(low.code, 422);
  assert.ok(low.text.includes(`spec.num: Invalid value: ${LOWEST}: spec.num in body should be greater than or equal to -10`), low.text);
  assert.equal((await call("POST", `${THINGS}?dryRun=All`, thing("c", '{"num":9007199254740997}'))).code, 422);
  assert.equal((await call("POST", `${THINGS}?dryRun=All`, thing("c", '{"num":9007199254740995}'))).code, 201);
  assert.equal((await call("POST", `${THINGS}?dryRun=All`, thing("c", '{"num":9223372036854775808}'))).code, 422);
});

test("a webhook that changes something else leaves every digit", async () => {
  const rules = [{ operations: ["*"], apiGroups: [GROUP], apiVersions: ["v1"], resources: ["things"] }];
  const clientConfig = { url: hook.url, caBundle: Buffer.from(pki.ca).toString("base64") };
  const webhooks = [{ name: "a.example.com", rules, sideEffects: "None", admissionReviewVersions: ["v1"], clientConfig }];
  const configurations = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
  assert.equal((await call("POST", configurations, JSON.stringify({ metadata: { name: "exact" }, webhooks }))).code, 201);
  const created = await call("POST", THINGS, thing("d", `{"num":${LARGE}}`));
  await call("DELETE", `${configurations}/exact`);
  assert.deepEqual([created.code, found(created.text)], [201, LARGE], created.text);
  assert.ok(created.text.includes('"more":"yes"'));
});
