import assert from "node:assert/strict";
import { test } from "node:test";

import { NodeAuthorizer } from "#apiserver/authz/node-authorizer.ts";
import { NodeRelations } from "#apiserver/authz/node-relations.ts";
import { asked, TestPolicy, userNamed } from "#apiserver/authz/testing/policy.ts";

const n1 = userNamed("system:node:n1", "system:nodes", "system:authenticated");

const POD = {
  spec: {
    nodeName: "n1",
    serviceAccountName: "web",
    imagePullSecrets: [{ name: "pull" }],
    containers: [{ name: "c", env: [{ name: "E", valueFrom: { secretKeyRef: { name: "env", key: "k" } } }], envFrom: [{ configMapRef: { name: "all" } }] }],
    volumes: [
      { name: "s", projected: { sources: [{ secret: { name: "part" } }, { configMap: { name: "piece" } }] } },
      { name: "d", persistentVolumeClaim: { claimName: "data" } },
      { name: "tmp", ephemeral: {} },
    ],
  },
};

async function world() {
  const policy = await TestPolicy.open();
  await policy.put("", "pods", "a", "own", POD);
  await policy.put("", "pods", "a", "other", { spec: { ...POD.spec, nodeName: "n2", imagePullSecrets: [{ name: "theirs" }] } });
  await policy.put("", "persistentvolumeclaims", "a", "data", { spec: { volumeName: "pv" } });
  const csi = { nodeStageSecretRef: { name: "stage", namespace: "storage" }, controllerExpandSecretRef: { name: "controller", namespace: "storage" } };
  await policy.put("", "persistentvolumes", "", "pv", { spec: { claimRef: { namespace: "a", name: "data" }, csi } });
  await policy.put("storage.k8s.io", "volumeattachments", "", "va", { spec: { nodeName: "n1" } });
  return { policy, authorizer: new NodeAuthorizer(new NodeRelations(policy.cache)) };
}

const UNRELATED = "no relationship found between node 'n1' and this object";

for (const { verb, what, at, reason } of [
  { verb: "get", what: "pods", at: { namespace: "a", name: "own" } },
  { verb: "get", what: "pods", at: { namespace: "a", name: "other" }, reason: UNRELATED },
  { verb: "list", what: "pods", at: { fieldSelector: "spec.nodeName=n1" } },
  { verb: "watch", what: "pods", at: { fieldSelector: "status.phase!=Failed,spec.nodeName==n1" } },
  { verb: "list", what: "pods", at: { fieldSelector: "spec.nodeName=n2" }, reason: "can only list/watch pods with spec.nodeName field selector" },
  { verb: "list", what: "pods", at: { fieldSelector: "spec.nodeName!=n1" }, reason: "can only list/watch pods with spec.nodeName field selector" },
  { verb: "patch", what: "pods", at: { namespace: "a", name: "own" }, reason: "" },
  { verb: "get", what: "secrets", at: { namespace: "a", name: "pull" } },
  { verb: "get", what: "secrets", at: { namespace: "a", name: "env" } },
  { verb: "watch", what: "secrets", at: { namespace: "a", name: "part" } },
  { verb: "get", what: "secrets", at: { namespace: "b", name: "pull" }, reason: UNRELATED },
  { verb: "get", what: "secrets", at: { namespace: "a", name: "theirs" }, reason: UNRELATED },
  { verb: "get", what: "secrets", at: { namespace: "storage", name: "stage" } },
  { verb: "get", what: "secrets", at: { namespace: "storage", name: "controller" }, reason: UNRELATED },
  { verb: "list", what: "secrets", at: { namespace: "a" }, reason: "No Object name found" },
  { verb: "list", what: "secrets", at: {}, reason: "can only read namespaced object of this type" },
  { verb: "update", what: "configmaps", at: { namespace: "a", name: "all" }, reason: "can only read resources of this type" },
  { verb: "get", what: "configmaps", at: { namespace: "a", name: "all" } },
  { verb: "get", what: "configmaps", at: { namespace: "a", name: "piece" } },
  { verb: "get", what: "persistentvolumeclaims", at: { namespace: "a", name: "data" } },
  { verb: "get", what: "persistentvolumeclaims", at: { namespace: "a", name: "own-tmp" } },
  { verb: "patch", what: "persistentvolumeclaims/status", at: { namespace: "a", name: "data" } },
  { verb: "list", what: "persistentvolumeclaims", at: { namespace: "a" }, reason: "can only get individual resources of this type" },
  { verb: "get", what: "persistentvolumes", at: { name: "pv" } },
  { verb: "get", what: "persistentvolumes", at: { name: "none" }, reason: UNRELATED },
  { verb: "get", what: "volumeattachments.storage.k8s.io", at: { name: "va" } },
  { verb: "create", what: "serviceaccounts/token", at: { namespace: "a", name: "web" } },
  { verb: "create", what: "serviceaccounts/token", at: { namespace: "a", name: "root" }, reason: UNRELATED },
  { verb: "get", what: "serviceaccounts", at: { namespace: "a", name: "web" } },
  { verb: "get", what: "nodes", at: { name: "n1" } },
  { verb: "get", what: "nodes", at: { name: "n2" }, reason: "node 'n1' cannot read 'n2', only its own Node object" },
  { verb: "list", what: "nodes", at: {}, reason: "node 'n1' cannot read all nodes, only its own Node object" },
  { verb: "delete", what: "nodes", at: { name: "n1" }, reason: "" },
  { verb: "update", what: "leases.coordination.k8s.io", at: { namespace: "kube-node-lease", name: "n1" } },
  {
    verb: "update",
    what: "leases.coordination.k8s.io",
    at: { namespace: "kube-node-lease", name: "n2" },
    reason: "can only access node lease with the same name as the requesting node",
  },
  { verb: "list", what: "services", at: {} },
  { verb: "watch", what: "endpointslices.discovery.k8s.io", at: {} },
  { verb: "list", what: "deployments.apps", at: {}, reason: "" },
] as const) {
  test(`NodeAuthorizer ${reason === undefined ? "allows" : "refuses"} ${verb} ${what} ${JSON.stringify(at)}`, async () => {
    const { authorizer } = await world();
    const decision = authorizer.authorize(asked(n1, verb, what, at));
    assert.deepEqual(decision, reason === undefined ? { allowed: true, reason: "" } : { allowed: false, reason });
  });
}

test("NodeAuthorizer has no opinion on who is no node, and asks a node for its name", async () => {
  const { authorizer } = await world();
  assert.deepEqual(authorizer.authorize(asked(userNamed("system:node:n1"), "list", "services")), { allowed: false, reason: "" });
  const nameless = authorizer.authorize(asked(userNamed("system:node:", "system:nodes"), "list", "services"));
  assert.deepEqual(nameless, { allowed: false, reason: 'unknown node for user "system:node:"' });
});

test("NodeAuthorizer lets go of what a pod referred to when the pod goes, and of nothing that another one refers to", async () => {
  const { policy, authorizer } = await world();
  const allowed = () => authorizer.authorize(asked(n1, "get", "secrets", { namespace: "a", name: "pull" })).allowed;
  assert.equal(allowed(), true);
  await policy.put("", "pods", "a", "second", POD);
  await policy.remove("", "pods", "a", "own");
  assert.equal(allowed(), true);
  await policy.remove("", "pods", "a", "second");
  assert.equal(allowed(), false);
});

test("NodeAuthorizer: a mirror pod, which a node makes itself, gives it nothing", async () => {
  const { policy, authorizer } = await world();
  const metadata = { annotations: { "kubernetes.io/config.mirror": "x" } };
  await policy.put("", "pods", "b", "mirror", { metadata, ...POD });
  assert.equal(authorizer.authorize(asked(n1, "get", "secrets", { namespace: "b", name: "pull" })).allowed, false);
  assert.equal(authorizer.authorize(asked(n1, "get", "pods", { namespace: "b", name: "mirror" })).allowed, true);
});
