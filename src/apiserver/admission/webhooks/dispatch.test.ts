import assert from "node:assert/strict";
import { test } from "node:test";

import type { Service } from "#api/core-v1/types.ts";
import type { MutatingWebhookConfiguration } from "#api/admissionregistration-v1/types.ts";
import { builtin, resourceInfo, type Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { ask, type DispatchDeps } from "#apiserver/admission/webhooks/dispatch.ts";
import { hookAddress } from "#apiserver/admission/webhooks/hook-address.ts";
import { hooksOf } from "#apiserver/admission/webhooks/hook.ts";
import { HookSource } from "#apiserver/admission/webhooks/hook-source.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";

const CONFIGURATIONS = builtin<MutatingWebhookConfiguration>("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations");
const PODS = resourceInfo("", "v1", "pods")!;

const webhook = (name: string, more: object = {}) => ({
  ...{ name, clientConfig: {}, sideEffects: "Some", admissionReviewVersions: ["v1"] },
  rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
  ...more,
});
const configuration = (name: string, ...webhooks: readonly object[]) => ({ metadata: { name }, webhooks }) as unknown as MutatingWebhookConfiguration;
const attributes = (more: object = {}): AdmissionAttributes => ({
  ...{ operation: "CREATE", resource: PODS, subresource: "", namespace: "ns", name: "p", object: undefined, oldObject: undefined },
  ...{ options: {}, user: LOOPBACK_USER, dryRun: false, warn() {} },
  ...more,
});
const readerOf = (list: readonly KubeObject[]): ObjectReader => ({
  lookup: <T extends KubeObject>(_: Resource<T>, _namespace: string, name: string) => list.find(({ metadata }) => metadata.name === name) as T | undefined,
  list: <T extends KubeObject>() => list as readonly T[],
});

test("ask() refuses a dry run for a webhook that has side effects whatever it is asked", async () => {
  const [hook] = hooksOf([configuration("c", webhook("a.b.c", { failurePolicy: "Ignore" }))]);
  const asking = ask({ hook: hook!, index: 0, as: PODS }, attributes({ dryRun: true }), true, {} as DispatchDeps);
  await assert.rejects(asking, { code: 400, message: 'admission webhook "a.b.c" does not support dry run' });
});

test("HookSource gives webhooks by their configurations' names, and looks again when one changes", () => {
  let changed = () => {};
  const standing = [configuration("z", webhook("last.b.c")), configuration("a", webhook("same.b.c"), webhook("same.b.c"))];
  const source = new HookSource(
    readerOf(standing),
    { onChange: (_, listener) => void (changed = listener) },
    CONFIGURATIONS,
    () => [],
    () => undefined,
  );
  const ids = () => source.candidates(attributes()).map(({ hook, index }) => `${index} ${hook.id}`);
  assert.deepEqual(ids(), ["0 a/same.b.c/0", "1 a/same.b.c/1", "2 z/last.b.c/0"]);
  assert.equal(source.candidates(attributes()), source.candidates(attributes()), "found once");
  standing.pop();
  changed();
  assert.deepEqual(ids(), ["0 z/last.b.c/0"]);
  assert.deepEqual(source.candidates(attributes({ operation: "DELETE" })), []);
  assert.deepEqual(source.candidates(attributes({ resource: CONFIGURATIONS })), [], "webhooks' configurations are exempt");
});

const services = [
  { name: "plain", spec: { type: "ClusterIP", clusterIP: "10.43.0.9", ports: [{ port: 443 }] } },
  { name: "headless", spec: { type: "ClusterIP", clusterIP: "None", ports: [{ port: 443 }] } },
  { name: "outside", spec: { type: "ExternalName", externalName: "hook.example.com" } },
].map(({ name, spec }) => ({ metadata: { name }, spec }) as unknown as Service);

for (const { config, url, host } of [
  { config: { url: "https://[::1]:8443/a" }, url: "https://[::1]:8443/a", host: "::1" },
  { config: { url: "https://example.com/a" }, url: "https://example.com/a", host: "example.com" },
  { config: { service: { namespace: "ns", name: "plain" } }, url: "https://plain.ns.svc:443/", host: "10.43.0.9" },
  { config: { service: { namespace: "ns", name: "plain", port: 80 } }, url: "https://plain.ns.svc:80/", host: /no service port 80 found for service "plain"/ },
  { config: { service: { namespace: "ns", name: "headless" } }, url: "https://headless.ns.svc:443/", host: /cannot route to service with ClusterIP "None"/ },
  { config: { service: { namespace: "ns", name: "outside", path: "/x" } }, url: "https://outside.ns.svc:443/x", host: "hook.example.com" },
]) {
  test(`hookAddress() finds ${url} ${host instanceof RegExp ? "nowhere" : `at ${host}`}`, () => {
    const address = hookAddress(config, readerOf(services));
    assert.equal(address.url, url);
    if (host instanceof RegExp) assert.throws(() => address.host(), host);
    else assert.equal(address.host(), host);
  });
}
