import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CONFIG_MAPS } from "#api/builtin.ts";
import { builtin, type Resource } from "#api/resources.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import { testPki } from "#test/pki/test-pki.ts";
import { startWebhook } from "#test/webhooks/webhook-server.ts";
import { ServerProcess } from "./server-process.ts";

const GROUP = "admissionregistration.k8s.io";
const POLICIES = builtin(GROUP, "v1", "validatingadmissionpolicies");
const BINDINGS = builtin(GROUP, "v1", "validatingadmissionpolicybindings");
const WEBHOOKS = builtin(GROUP, "v1", "validatingwebhookconfigurations");
const selected = (name: string) => ({ matchLabels: { "kubernetes.io/metadata.name": name } });
const onCreate = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] };

test("the bundled server's parts that load on demand refuse with their own codes", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-on-demand-"));
  const server = await ServerProcess.prepare({ folder });
  const pki = await testPki();
  const hook = await startWebhook(await pki.serving("localhost"), () => ({ allowed: false, status: { code: 409, message: "not now" } }));
  context.after(async () => {
    await hook.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });
  server.start();
  await server.ready();
  /** @returns why not, `undefined` when it was created */
  const create = async (resource: Resource, body: object) => {
    try {
      const namespace = resource.namespaced ? "default" : undefined;
      await server.transport.perform({ verb: "create", resource, namespace, body });
      return undefined;
    } catch (error) {
      assert.ok(error instanceof StatusError);
      return { code: error.code, message: error.message };
    }
  };

  const matchConstraints = { namespaceSelector: selected("default"), resourceRules: [onCreate] };
  const policy = (name: string, expression: string) => ({ metadata: { name }, spec: { matchConstraints, validations: [{ expression }] } });
  assert.equal((await create(POLICIES, policy("bad", "1 +")))?.code, 422);
  assert.equal(await create(POLICIES, policy("plain", "!('a' in object.data)")), undefined);
  assert.equal(await create(BINDINGS, { metadata: { name: "plain" }, spec: { policyName: "plain", validationActions: ["Deny"] } }), undefined);
  assert.equal((await create(CONFIG_MAPS, { metadata: { name: "m" }, data: { a: "1" } }))?.code, 422);

  const clientConfig = { url: `https://localhost:${hook.port}/`, caBundle: Buffer.from(pki.ca).toString("base64") };
  const webhook = { name: "later.example.com", rules: [onCreate], sideEffects: "None", admissionReviewVersions: ["v1"], clientConfig };
  assert.equal(await create(WEBHOOKS, { metadata: { name: "later" }, webhooks: [webhook] }), undefined);
  const refused = await create(CONFIG_MAPS, { metadata: { name: "n" }, data: { b: "1" } });
  assert.deepEqual(refused, { code: 409, message: 'admission webhook "later.example.com" denied the request: not now' });
});
