import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CONFIG_MAPS, SERVICES } from "#api/builtin.ts";
import type { ConfigMap } from "#api/core-v1/types.ts";
import { builtin, type Resource } from "#api/resources.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import { GROUP as EXTENSION_GROUP, startExtensionServer, VERSION } from "#test/aggregation/extension-server.ts";
import { eventually } from "#test/e2e/support/eventually.ts";
import { testPki } from "#test/pki/test-pki.ts";
import { startWebhook } from "#test/webhooks/webhook-server.ts";
import { ServerProcess } from "./server-process.ts";

const API_SERVICES = builtin("apiregistration.k8s.io", "v1", "apiservices");
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

test("the bundled server hands requests over HTTP/2, with their bodies, on to extension servers", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-on-demand-"));
  const server = await ServerProcess.prepare({ folder });
  const pki = await testPki();
  context.after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
  server.start();
  await server.ready();
  const { transport } = server;
  const trusted = { verb: "get", resource: CONFIG_MAPS, namespace: "kube-system", name: "extension-apiserver-authentication" } as const;
  const { data = {} } = (await transport.perform(trusted)) as ConfigMap;
  const extension = await startExtensionServer(await pki.serving("wardle.default.svc"), data);
  context.after(() => extension.close());
  const service = { metadata: { name: "wardle" }, spec: { type: "ExternalName", externalName: "localhost" } };
  await transport.perform({ verb: "create", resource: SERVICES, namespace: "default", body: service });
  const spec = {
    ...{ group: EXTENSION_GROUP, version: VERSION, groupPriorityMinimum: 2000, versionPriority: 10, caBundle: Buffer.from(pki.ca).toString("base64") },
    service: { namespace: "default", name: "wardle", port: extension.port },
  };
  await transport.perform({ verb: "create", resource: API_SERVICES, body: { metadata: { name: `${VERSION}.${EXTENSION_GROUP}` }, spec } });
  const path = `/apis/${EXTENSION_GROUP}/${VERSION}/namespaces/default/flunders`;
  const body = Buffer.from(JSON.stringify({ apiVersion: `${EXTENSION_GROUP}/${VERSION}`, kind: "Flunder", metadata: { name: "a" }, spec: { reference: "x" } }));
  await eventually(async () => {
    const { status, body: said } = await transport.request({ path });
    assert.equal(status, 200, said.toString());
  });
  const made = await transport.request({ method: "POST", path, body, headers: { "content-type": "application/json" } });
  assert.equal(made.status, 201, made.body.toString());
});
