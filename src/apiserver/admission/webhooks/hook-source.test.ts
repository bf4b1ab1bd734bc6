import assert from "node:assert/strict";
import { test } from "node:test";

import type { MutatingWebhookConfiguration } from "#api/admissionregistration-v1/types.ts";
import { builtin, type Resource, type ResourceInfo } from "#api/resources.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

import { HookSource } from "./hook-source.ts";

const CONFIGURATIONS = builtin<MutatingWebhookConfiguration>("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations");
const widget = (version: string) => ({ group: "example.com", version, plural: "widgets", kind: "Widget", namespaced: true }) as ResourceInfo;

test("HookSource asks anew what resources are equivalent when others are served than before", () => {
  const rules = [{ operations: ["CREATE"], apiGroups: ["example.com"], apiVersions: ["v2"], resources: ["widgets"] }];
  const hook = { name: "h.example.com", clientConfig: { url: "https://h.example.com" }, rules, matchPolicy: "Equivalent", failurePolicy: "Fail" };
  const configuration = { metadata: { name: "c" }, webhooks: [hook] };
  const reader = { list: (resource: Resource) => (resource === CONFIGURATIONS ? [configuration] : []), lookup: () => undefined } as unknown as ObjectReader;
  let served = [widget("v1")];
  const source = new HookSource(
    reader,
    { onChange: () => {} },
    CONFIGURATIONS,
    (resource) => served.filter(({ version }) => version !== resource.version),
    () => served,
  );
  const write = { operation: "CREATE", resource: widget("v1"), subresource: "", namespace: "default" } as unknown as AdmissionAttributes;
  assert.deepEqual(source.candidates(write), []);
  served = [...served, widget("v2")];
  assert.deepEqual(
    source.candidates(write).map(({ as }) => as.version),
    ["v2"],
  );
  assert.equal(source.candidates(write), source.candidates(write), "what is known is not asked again");
});
