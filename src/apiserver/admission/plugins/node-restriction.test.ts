import assert from "node:assert/strict";
import { test } from "node:test";

import { resourceInfo, type Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { nodeRestriction } from "#apiserver/admission/plugins/node-restriction.ts";
import { NO_OPINION } from "#apiserver/authz/authorizer.ts";
import { userNamed } from "#apiserver/authz/testing/policy.ts";

const POD = {
  metadata: { namespace: "a", name: "own", uid: "u1" },
  spec: { nodeName: "n1", volumes: [{ name: "t", projected: { sources: [{ serviceAccountToken: { audience: "vault" } }, { serviceAccountToken: {} }] } }] },
};
const OTHER = { metadata: { namespace: "a", name: "other", uid: "u2" }, spec: { nodeName: "n2" } };
const reader = {
  lookup: <T extends KubeObject>({ plural }: Resource<T>, _namespace: string, name: string) =>
    (plural === "pods" ? [POD, OTHER].find(({ metadata }) => metadata.name === name) : undefined) as unknown as T | undefined,
  list: () => [],
};
const plugin = nodeRestriction(reader, { authorize: () => NO_OPINION, rulesFor: () => ({ rules: [], incomplete: false }) });

/** @returns why a node `n1` may not; `undefined` when it may */
function refusal(operation: "CREATE" | "UPDATE", group: string, plural: string, object: object, more: object = {}): string | undefined {
  const version = resourceInfo(group, "v1", plural)!;
  const user = userNamed("system:node:n1", "system:nodes");
  const attributes = { operation, resource: version, subresource: "", namespace: "", name: "n1", object, options: {}, user, dryRun: false, warn() {}, ...more };
  try {
    void plugin.admit!(attributes as unknown as AdmissionAttributes);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^.*? is forbidden: /, "");
  }
}

const node = (...labels: readonly string[]) => ({ metadata: { name: "n1", labels: Object.fromEntries(labels.map((key) => [key, "x"])) }, spec: {} });

for (const { labels, forbidden } of [
  { labels: ["kubernetes.io/arch", "node.kubernetes.io/x", "a.kubelet.kubernetes.io/y", "example.com/z", "plain"], forbidden: [] },
  { labels: ["kubernetes.io/other", "example.k8s.io/x", "kubernetes.io/os"], forbidden: ["example.k8s.io/x", "kubernetes.io/other"] },
  {
    labels: ["node-restriction.kubernetes.io/x", "a.node-restriction.kubernetes.io/y"],
    forbidden: ["a.node-restriction.kubernetes.io/y", "node-restriction.kubernetes.io/x"],
  },
]) {
  test(`nodeRestriction() of labels ${labels.join(", ")}`, () => {
    const told = forbidden.join(", ");
    const created = refusal("CREATE", "", "nodes", node(...labels));
    assert.equal(created, told === "" ? undefined : `node "n1" is not allowed to set the following labels: ${told}`);
    const updated = refusal("UPDATE", "", "nodes", node(...labels), { oldObject: node() });
    assert.equal(updated, told === "" ? undefined : `is not allowed to modify labels: ${told}`);
  });
}

const pod = (name: string, uid: string) => ({ kind: "Pod", apiVersion: "v1", name, uid });

for (const { name, spec, why } of [
  { name: "for a pod of its own", spec: { boundObjectRef: pod("own", "u1"), audiences: null } },
  { name: "for an audience in a volume of the pod", spec: { boundObjectRef: pod("own", "u1"), audiences: ["vault"] } },
  { name: "for nothing", spec: {}, why: "node requested token not bound to a pod" },
  { name: "for a Secret", spec: { boundObjectRef: { kind: "Secret", apiVersion: "v1", name: "s", uid: "u" } }, why: "node requested token not bound to a pod" },
  { name: "for a pod without its uid", spec: { boundObjectRef: pod("own", "") }, why: "node requested token with a pod binding without a uid" },
  { name: "for another node's pod", spec: { boundObjectRef: pod("other", "u2") }, why: "node requested token bound to a pod scheduled on a different node" },
  { name: "for two audiences", spec: { boundObjectRef: pod("own", "u1"), audiences: ["vault", "x"] }, why: "node may only request 0 or 1 audiences" },
  {
    name: "for an audience that no volume names",
    spec: { boundObjectRef: pod("own", "u1"), audiences: ["x"] },
    why: 'audience "x" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience',
  },
  { name: "for a pod that is not there", spec: { boundObjectRef: pod("gone", "u") }, why: 'pods "gone" not found' },
]) {
  test(`nodeRestriction(): a node that asks for a token ${name}`, () => {
    const token = { subresource: "token", namespace: "a", name: "default" };
    assert.equal(refusal("CREATE", "", "serviceaccounts", { metadata: {}, spec }, token), why);
  });
}

test("nodeRestriction() lets a node make its own CSINode alone", () => {
  const made = (name: string) => refusal("CREATE", "storage.k8s.io", "csinodes", { metadata: { name } }, { name });
  assert.deepEqual([made("n1"), made("n2")], [undefined, "can only access CSINode with the same name as the requesting node"]);
});
