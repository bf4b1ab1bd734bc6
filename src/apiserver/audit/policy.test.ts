import assert from "node:assert/strict";
import { test } from "node:test";

import { type AuditAttributes, evaluate, parsePolicy, type PolicyRule } from "./policy.ts";

const user = { name: "ann", uid: "", groups: ["dev", "system:authenticated"], extra: {} };
const pod: AuditAttributes = { user, verb: "get", group: "", resource: "pods", subresource: "", namespace: "a", name: "p" };
const health: AuditAttributes = { ...pod, path: "/healthz/ping", resource: "", namespace: "", name: "" };

for (const [name, rule, attributes, want] of [
  ["anything", {}, pod, true],
  ["a user", { users: ["bob", "ann"] }, pod, true],
  ["another user", { users: ["bob"] }, pod, false],
  ["a group", { userGroups: ["dev"] }, pod, true],
  ["another group", { userGroups: ["ops"] }, pod, false],
  ["a verb", { verbs: ["list", "get"] }, pod, true],
  ["another verb", { verbs: ["list"] }, pod, false],
  ["a namespace", { namespaces: ["a"] }, pod, true],
  ["no namespace", { namespaces: [""] }, { ...pod, namespace: "" }, true],
  ["another namespace", { namespaces: ["b"] }, pod, false],
  ["all of a group", { resources: [{ group: "" }] }, pod, true],
  ["all of another group", { resources: [{ group: "apps" }] }, pod, false],
  ["a kind", { resources: [{ group: "", resources: ["pods"] }] }, pod, true],
  ["a kind, but not its subresource", { resources: [{ resources: ["pods"] }] }, { ...pod, subresource: "log" }, false],
  ["a subresource", { resources: [{ resources: ["pods/log"] }] }, { ...pod, subresource: "log" }, true],
  ["a kind and all below it", { resources: [{ resources: ["pods/*"] }] }, { ...pod, subresource: "log" }, true],
  ["a subresource of all", { resources: [{ resources: ["*/log"] }] }, { ...pod, subresource: "log" }, true],
  ["a name", { resources: [{ resources: ["pods"], resourceNames: ["p"] }] }, pod, true],
  ["another name", { resources: [{ resources: ["pods"], resourceNames: ["q"] }] }, pod, false],
  ["resources, for a path", { resources: [{ group: "" }] }, health, false],
  ["a path", { nonResourceURLs: ["/healthz*"] }, health, true],
  ["another path", { nonResourceURLs: ["/healthz"] }, health, false],
  ["a path, for a resource", { nonResourceURLs: ["*"] }, pod, false],
] as const) {
  test(`evaluate() by a rule for ${name}`, () => {
    const rules = [{ level: "Request", ...rule } as PolicyRule];
    assert.equal(evaluate({ rules }, attributes).level, want ? "Request" : "None");
  });
}

test("evaluate() takes the first rule, with what it and the policy omit", () => {
  const rules: PolicyRule[] = [{ level: "Metadata", verbs: ["get"], omitStages: ["ResponseStarted"], omitManagedFields: false }, { level: "Request" }];
  const { level, omitStages, omitManagedFields } = evaluate({ rules, omitStages: ["RequestReceived"], omitManagedFields: true }, pod);
  assert.deepEqual([level, [...omitStages], omitManagedFields], ["Metadata", ["RequestReceived", "ResponseStarted"], false]);
  assert.equal(evaluate({ rules, omitManagedFields: true }, { ...pod, verb: "list" }).omitManagedFields, true);
});

for (const [text, message] of [
  ["", /no Policy/],
  ["apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]", /no Policy/],
  ["apiVersion: audit.k8s.io/v1\nkind: Policy", /no rules/],
  ["apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: All}]", /rules\[0\]\.level: "All" is none of None, Metadata/],
  ["apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [Now]\nrules: [{level: None}]", /omitStages: "Now"/],
  ["apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, namespaces: [a], nonResourceURLs: [/x]}]", /not for both/],
] as const) {
  test(`parsePolicy() refuses ${JSON.stringify(text.slice(29))}`, async () => {
    await assert.rejects(parsePolicy(text), message);
  });
}
