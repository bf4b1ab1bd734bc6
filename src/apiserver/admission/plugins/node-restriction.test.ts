import assert from "node:assert/strict";
import { test } from "node:test";

import { resourceInfo, type Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionAttributes, Operation } from "#apiserver/admission/admission.ts";
import { nodeRestriction } from "#apiserver/admission/plugins/node-restriction.ts";
import { NO_OPINION } from "#apiserver/authz/authorizer.ts";
import { userNamed } from "#apiserver/authz/testing/policy.ts";

const POD = {
  metadata: { namespace: "a", name: "own", uid: "u1" },
  spec: { nodeName: "n1", volumes: [{ name: "t", projected: { sources: [{ serviceAccountToken: { audience: "vault" } }, { serviceAccountToken: {} }] } }] },
};
const OTHER = { metadata: { namespace: "a", name: "other", uid: "u2" }, spec: { nodeName: "n2" } };
const stored: Readonly<Record<string, readonly { readonly metadata: { readonly name: string } }[]>> = {
  pods: [POD, OTHER],
  nodes: [{ metadata: { name: "n1", uid: "n-1" } as { name: string } }],
};
const reader = {
  lookup: <T extends KubeObject>({ plural }: Resource<T>, _namespace: string, name: string) =>
    stored[plural]?.find(({ metadata }) => metadata.name === name) as unknown as T | undefined,
  list: () => [],
};
const plugin = nodeRestriction(reader, { authorize: () => NO_OPINION, rulesFor: () => ({ rules: [], incomplete: false }) });

/** @returns why a node `n1` may not; `undefined` when it may */
function refusal(operation: Operation, group: string, plural: string, object: object, more: object = {}): string | undefined {
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

for (const { name, change, why } of [
  { name: "its taints", change: { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } }, why: 'node "n1" is not allowed to modify taints' },
  {
    name: "its owners",
    change: { metadata: { name: "n1", ownerReferences: [{ apiVersion: "v1", kind: "X", name: "x", uid: "u" }] } },
    why: 'node "n1" is not allowed to modify ownerReferences',
  },
  {
    name: "where it is configured",
    change: { spec: { configSource: { configMap: { namespace: "a", name: "b", kubeletConfigKey: "c" } } } },
    why: 'node "n1" is not allowed to update configSource to a new non-nil configSource',
  },
  { name: "whether it takes pods", change: { spec: { unschedulable: true } } },
]) {
  test(`nodeRestriction(): a node that changes ${name}`, () => {
    assert.equal(refusal("UPDATE", "", "nodes", { ...node(), ...change }, { oldObject: node() }), why);
  });
}

const owner = { apiVersion: "v1", kind: "Node", name: "n1", uid: "n-1", controller: true };
const mirror = (spec: object, ownerReferences: readonly object[] = [owner]) => ({
  metadata: { namespace: "a", name: "m", annotations: { "kubernetes.io/config.mirror": "x" }, ownerReferences },
  spec: { nodeName: "n1", containers: [{ name: "c" }], ...spec },
});
const volume = (source: object) => ({ volumes: [{ name: "v", ...source }] });
const projected = (source: object) => volume({ projected: { sources: [source] } });
const cannotReference = (kind: string) => `node "n1" can not create pods that reference ${kind}`;

for (const { name, pod, why } of [
  { name: "of its own", pod: mirror(volume({ hostPath: { path: "/" } })) },
  { name: "with what the pod knows of itself", pod: mirror(projected({ downwardAPI: {} })) },
  { name: "of another node", pod: mirror({ nodeName: "n2" }), why: 'node "n1" can only create pods with spec.nodeName set to itself' },
  { name: "without an owner", pod: mirror({}, []), why: 'node "n1" can only create pods with an owner reference set to itself' },
  { name: "with two owners", pod: mirror({}, [owner, owner]), why: 'node "n1" can only create pods with a single owner reference set to itself' },
  {
    name: "that the node does not control",
    pod: mirror({}, [{ ...owner, controller: false }]),
    why: 'node "n1" can only create pods with a controller owner reference set to itself',
  },
  {
    name: "that holds the node up",
    pod: mirror({}, [{ ...owner, blockOwnerDeletion: true }]),
    why: 'node "n1" must not set blockOwnerDeletion on an owner reference',
  },
  { name: "of an earlier node", pod: mirror({}, [{ ...owner, uid: "n-0" }]), why: "node n1 UID mismatch: expected n-0 got n-1" },
  { name: "with an account", pod: mirror({ serviceAccountName: "s" }), why: cannotReference("serviceaccounts") },
  { name: "with a Secret", pod: mirror(volume({ secret: { secretName: "s" } })), why: cannotReference("secrets") },
  {
    name: "with a variable of a ConfigMap",
    pod: mirror({ containers: [{ name: "c", env: [{ name: "E", valueFrom: { configMapKeyRef: { name: "m", key: "k" } } }] }] }),
    why: cannotReference("configmaps"),
  },
  { name: "with a device", pod: mirror({ resourceClaims: [{ name: "d" }] }), why: cannotReference("resourceclaims") },
  { name: "with a claim", pod: mirror(volume({ persistentVolumeClaim: { claimName: "c" } })), why: cannotReference("persistentvolumeclaims") },
  { name: "with a token", pod: mirror(projected({ serviceAccountToken: {} })), why: cannotReference("serviceaccounts (via projected volumes)") },
]) {
  test(`nodeRestriction(): a node that creates a mirror pod ${name}`, () => {
    assert.equal(refusal("CREATE", "", "pods", pod, { namespace: "a", name: "m" }), why);
  });
}

for (const { name, status, metadata, why } of [
  { name: "how it is", status: { phase: "Running" } },
  { name: "its labels", metadata: { labels: { a: "b" } }, why: 'node "n1" cannot update labels through pod status' },
  { name: "its claims", status: { resourceClaimStatuses: [{ name: "x" }] }, why: 'node "n1" cannot update resource claim statues' },
  {
    name: "its claim of extended resources",
    status: { extendedResourceClaimStatus: { resourceClaimName: "x", requestMappings: [] } },
    why: 'node "n1" cannot update extended resource claim status',
  },
]) {
  test(`nodeRestriction(): a node that tells of a pod ${name}`, () => {
    const object = { ...POD, metadata: { ...POD.metadata, ...metadata }, status };
    assert.equal(refusal("UPDATE", "", "pods", object, { subresource: "status", namespace: "a", name: "own", oldObject: POD }), why);
  });
}

for (const { name, claim, subresource = "status", why } of [
  { name: "how large it is", claim: { status: { capacity: { storage: "2Gi" }, allocatedResources: {}, conditions: [] } } },
  {
    name: "its phase",
    claim: { status: { phase: "Lost" } },
    why: 'node "n1" is not allowed to update fields other than status.quantity and status.conditions',
  },
  { name: "its spec", claim: {}, subresource: "", why: "may only update PVC status" },
]) {
  test(`nodeRestriction(): a node that changes of a claim ${name}`, () => {
    const old = { metadata: { namespace: "a", name: "c", resourceVersion: "1" }, spec: {}, status: { phase: "Bound" } };
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: "" }, status: { ...old.status, ...claim.status } };
    assert.equal(refusal("UPDATE", "", "persistentvolumeclaims", object, { subresource, namespace: "a", name: "c", oldObject: old }), why);
  });
}

test("nodeRestriction() lets a node make and delete its own ResourceSlices alone", () => {
  const of = (nodeName: string) => ({ metadata: { name: "s" }, spec: { nodeName } });
  const made = (nodeName: string) => refusal("CREATE", "resource.k8s.io", "resourceslices", of(nodeName));
  const deleted = (nodeName: string) => refusal("DELETE", "resource.k8s.io", "resourceslices", {}, { object: undefined, oldObject: of(nodeName) });
  assert.deepEqual([made("n1"), deleted("n1")], [undefined, undefined]);
  const words = (verb: string) => `can only ${verb} ResourceSlice with the same NodeName as the requesting node`;
  assert.deepEqual([made("n2"), deleted("n2")], [words("create"), words("delete")]);
});

/** By openssl: `CN=system:node:n1`, and `O=system:nodes, CN=system:node:n2`. */
const OWN_REQUEST =
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIVU1Ic0NBUUF3R1RFWE1CVUdBMVVFQXd3T2MzbHpkR1Z0T201dlpHVTZiakV3V1RBVEJnY3Foa2pPUFFJQgpCZ2dxaGtqT1BRTUJCd05DQUFTSVEvUjNOSnE4SzhtaFBjWEZHRExuYy9BcHVJc25pa0dsRlNHUnFQSkxjT1Z2CnhpNWN5RDZ2VXlMemc1UU12ZTIvcG0wSTBWVWExeldDMzQzd0VMOFZvQUF3Q2dZSUtvWkl6ajBFQXdJRFNRQXcKUmdJaEFJaG1IK21ycS9JdlhGYW1WZmZYQVByZkdmdHd4Ulp6dURFcVNQcmpNK242QWlFQTBNRHMwS1VjM3IyRApHRXVORnk3YUZEZk9sRXBxaU52Y2FPSmZueWlxcXh3PQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K";
const OTHER_REQUEST =
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIcU1JR1NBZ0VBTURBeEZUQVRCZ05WQkFvTURITjVjM1JsYlRwdWIyUmxjekVYTUJVR0ExVUVBd3dPYzNsegpkR1Z0T201dlpHVTZiakl3V1RBVEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVR5RXk0RWpJb0NTdTAvCmNHdWpKYllzMlBCYW9taXJjSmFZSHJsYTlqR3o5SVliL3F1WmdsNDhwMGtMa2pjemN5WHNEaGk5cjhaOERVNHYKTUIvYjNGOG1vQUF3Q2dZSUtvWkl6ajBFQXdJRFJ3QXdSQUlnVnRQTEJsZThrbWY3S3RiaDBGdHh0MldSTmpkUwpibjRLdXh3SXJzWHhyMWNDSUNscjhVRGdXTm05cmc1b1hBMVVQd2dNaDhBVXhqWktmeGZmcXJkOWMwTEYKLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==";

test("nodeRestriction() lets a node ask for certificates in its own name alone", () => {
  const asks = (request: string, signerName = "kubernetes.io/kube-apiserver-client-kubelet") =>
    refusal("CREATE", "certificates.k8s.io", "certificatesigningrequests", { metadata: { name: "r" }, spec: { signerName, request } });
  assert.equal(asks(OWN_REQUEST), undefined);
  assert.equal(asks(OTHER_REQUEST), "can only create a node CSR with CN=system:node:n1");
  assert.equal(asks(OTHER_REQUEST, "example.com/any"), undefined);
  assert.equal(asks("eA=="), "unable to parse csr: PEM block type must be CERTIFICATE REQUEST");
});

test("nodeRestriction() refuses a node without a name", () => {
  const why = refusal("CREATE", "", "nodes", node(), { user: userNamed("system:node:", "system:nodes") });
  assert.equal(why, 'could not determine node from user "system:node:"');
});

test("nodeRestriction() lets a node make its own CSINode alone", () => {
  const made = (name: string) => refusal("CREATE", "storage.k8s.io", "csinodes", { metadata: { name } }, { name });
  assert.deepEqual([made("n1"), made("n2")], [undefined, "can only access CSINode with the same name as the requesting node"]);
});
