import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { DEFAULT_KINDS, LEGACY_KINDS } from "#api/resources.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

import { KubectlUser } from "./kubectl-user.ts";

let server: TestServer;
let user: KubectlUser;
before(async () => {
  server = await startTestServer({ kinds: [...DEFAULT_KINDS, ...LEGACY_KINDS] });
  user = new KubectlUser(server, 35, "default");
});
after(async () => {
  user?.close();
  await server?.close();
});

const apply = (object: object, manager: string, ...flags: string[]) =>
  user.run(["apply", "--server-side", "--validate=false", `--field-manager=${manager}`, ...flags, "-f", "-"], { input: JSON.stringify(object) });

async function applied(...args: Parameters<typeof apply>): Promise<void> {
  const { code, stderr } = await apply(...args);
  assert.equal(code, 0, stderr);
}

interface Shown {
  readonly metadata: { readonly annotations?: Record<string, string>; readonly managedFields: { manager: string; apiVersion: string; fieldsV1: object }[] };
  readonly spec: Record<string, unknown>;
}

async function get(what: string): Promise<Shown> {
  const { code, stdout, stderr } = await user.run(["get", ...what.split(" "), "-o", "json", "--show-managed-fields"]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Shown;
}

const owned = ({ metadata }: Shown) =>
  Object.fromEntries(metadata.managedFields.map(({ manager, apiVersion, fieldsV1 }) => [`${manager} ${apiVersion}`, fieldsV1]));

const oldIngress = (name: string, spec: object) => ({ apiVersion: "extensions/v1beta1", kind: "Ingress", metadata: { name }, spec });
const newIngress = (name: string, spec: object) => ({ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name }, spec });
const oldBackend = { serviceName: "web", servicePort: 80 };
const newBackend = (name: string) => ({ service: { name, port: { number: 80 } } });
const rules = [{ host: "a.example" }];

test("what was applied in an old version goes when the new one no longer has it", async () => {
  await applied(oldIngress("gone", { backend: oldBackend, rules }), "me");
  assert.deepEqual(owned(await get("ingress gone")), {
    "me extensions/v1beta1": { "f:spec": { "f:backend": { "f:serviceName": {}, "f:servicePort": {} }, "f:rules": {} } },
  });
  await applied(newIngress("gone", { rules }), "me");
  const shown = await get("ingress gone");
  assert.deepEqual(shown.spec, { rules });
  assert.deepEqual(owned(shown), { "me networking.k8s.io/v1": { "f:spec": { "f:rules": {} } } });
});

test("what was applied in the new version goes when an old one no longer has it", async () => {
  await applied(newIngress("back", { defaultBackend: newBackend("web"), rules }), "me");
  await applied(oldIngress("back", { rules }), "me");
  assert.deepEqual((await get("ingress back")).spec, { rules });
});

test("what another manager applied in an old version is in the way, under its old name, and goes over by force", async () => {
  await applied(oldIngress("taken", { backend: oldBackend, rules }), "first");
  const refused = await apply(newIngress("taken", { defaultBackend: newBackend("other") }), "second");
  assert.match(refused.stderr, /conflict with "first"(?: using extensions\/v1beta1)?: \.spec\.backend\.serviceName/);
  await applied(newIngress("taken", { defaultBackend: newBackend("other") }), "second", "--force-conflicts");
  const shown = await get("ingress taken");
  assert.deepEqual(shown.spec, { defaultBackend: newBackend("other"), rules });
  assert.deepEqual(owned(shown)["second networking.k8s.io/v1"], {
    "f:spec": { "f:defaultBackend": { "f:service": { "f:name": {}, "f:port": {} } } },
  });
  const first = owned(shown)["first extensions/v1beta1"] as { "f:spec": Record<string, object> };
  assert.deepEqual(Object.keys(first["f:spec"]).sort(), ["f:backend", "f:rules"]);
  assert.deepEqual(first["f:spec"]["f:backend"], { "f:servicePort": {} });
});

test("what is owned in both versions stays as long as one of them has it", async () => {
  await applied(oldIngress("shared", { backend: oldBackend, rules }), "first");
  await applied(newIngress("shared", { defaultBackend: newBackend("web") }), "second");
  await applied(oldIngress("shared", { rules }), "first");
  assert.deepEqual((await get("ingress shared")).spec, { defaultBackend: newBackend("web"), rules });
  await applied(newIngress("shared", {}), "second");
  assert.deepEqual((await get("ingress shared")).spec, { rules });
});

test("a field that is an annotation in the new version changes hands between both", async () => {
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const deployment = { apiVersion: "apps/v1beta1", kind: "Deployment", metadata: { name: "web" }, spec: { template, rollbackTo: { revision: 3 } } };
  await applied(deployment, "first");
  assert.equal((await get("deploy web")).metadata.annotations?.["deprecated.deployment.rollback.to"], "3");
  const { code, stderr } = await user.run(["annotate", "--overwrite", "deploy/web", "deprecated.deployment.rollback.to=4"]);
  assert.equal(code, 0, stderr);
  const first = owned(await get("deploy web"))["first apps/v1beta1"] as { "f:spec": Record<string, object> };
  assert.equal(first["f:spec"]["f:rollbackTo"], undefined);
  assert.deepEqual((await get("deployments.v1beta1.apps web")).spec["rollbackTo"], { revision: 4 });
});
