import assert from "node:assert/strict";
import { test } from "node:test";

import type { ResourceInfo } from "#api/resources.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";

import { type AnyBinding, type AnyPolicy, BoundPolicies, type PolicyDeps } from "./bound-policies.ts";

const widget = (version: string) => ({ group: "example.com", version, plural: "widgets", kind: "Widget", namespaced: true }) as ResourceInfo;
const rule = (version: string, more: object = {}) => ({
  operations: ["CREATE"],
  apiGroups: ["example.com"],
  apiVersions: [version],
  resources: ["widgets"],
  ...more,
});
const policy = (name: string, ...resourceRules: object[]) => ({ metadata: { name }, spec: { matchConstraints: { resourceRules } } }) as unknown as AnyPolicy;
const binding = (policyName: string) => ({ metadata: { name: `of-${policyName}` }, spec: { policyName } }) as unknown as AnyBinding;
const write = (more: object = {}) =>
  ({ operation: "CREATE", resource: widget("v1"), subresource: "", namespace: "default", name: "w", ...more }) as unknown as AdmissionAttributes;

function bound(policies: readonly AnyPolicy[]) {
  const served = { infos: [widget("v1")] };
  const versions = { equivalentsOf: ({ version }: ResourceInfo) => served.infos.filter((each) => each.version !== version) };
  const deps = { reader: { lookup: () => undefined, list: () => [] }, resources: served, versions } as unknown as PolicyDeps;
  const found = new BoundPolicies(
    policies,
    policies.map(({ metadata }) => binding(metadata.name)),
    ({ metadata }) => metadata.name,
    deps,
  );
  return { found, served, names: (given = write()) => found.concerning(given).map(({ compiled }) => compiled) };
}

test("BoundPolicies finds what may concern a kind of request, in the order of names, and binds what is bound", () => {
  const { names, found } = bound([
    policy("c", rule("v1", { resourceNames: ["other"] })),
    policy("b", rule("v9")),
    policy("a", rule("v1")),
    policy("d", rule("v1", { scope: "Cluster" })),
  ]);
  assert.deepEqual(names(), ["a", "c"]);
  assert.deepEqual(names(write({ operation: "UPDATE" })), []);
  assert.deepEqual(names(write({ namespace: "" })), ["a", "c", "d"]);
  const invoked = found.concerning(write()).map((each) => found.invocations(each, write()).length);
  assert.deepEqual(invoked, [1, 0], "a policy of other names is not asked");
  const unbound = new BoundPolicies([policy("a", rule("v1"))], [binding("b")], () => undefined, { resources: { infos: [] } } as unknown as PolicyDeps);
  assert.deepEqual(unbound.concerning(write()), []);
});

test("BoundPolicies asks anew what resources are equivalent when others are served than before", () => {
  const { names, served } = bound([policy("a", rule("v2"))]);
  assert.deepEqual(names(), []);
  served.infos = [...served.infos, widget("v2")];
  assert.deepEqual(names(), ["a"]);
});
