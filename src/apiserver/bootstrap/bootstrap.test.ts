import assert from "node:assert/strict";
import { test } from "node:test";

import type { APIService } from "#api/apiregistration-v1/types.ts";
import { resourceInfo, type Resource } from "#api/resources.ts";
import { keyOf, type KubeObject } from "#apimachinery/object.ts";
import type { PolicyRule } from "#apiserver/authz/authorizer.ts";
import { uncovered } from "#apiserver/authz/coverage.ts";
import { bootstrapCluster, type BootstrapDeps } from "#apiserver/bootstrap/bootstrap.ts";
import { reconcileObject } from "#apiserver/bootstrap/reconcile.ts";
import type { Call } from "#apiserver/registry/types.ts";
import { SimClock } from "#lib/sim-clock.ts";

const FACTS = {
  advertiseAddress: "192.0.2.1",
  securePort: 6443,
  serviceCidr: "10.43.0.0/16",
  kubernetesServiceIp: "10.43.0.1",
  clientCa: "PEM",
  versions: [
    { group: "apps", version: "v1" },
    { group: "apiregistration.k8s.io", version: "v1" },
    { group: "resource.k8s.io", version: "v1beta2" },
  ],
};

/** Keeps what is written, as the registry would. */
function fakeApi() {
  const objects = new Map<string, KubeObject>();
  const calls: Call[] = [];
  const key = (resource: { plural: string }, object: KubeObject) => `${resource.plural} ${keyOf(object)}`;
  const deps: BootstrapDeps = {
    clock: new SimClock(0),
    reader: {
      lookup: <T extends KubeObject>(resource: Resource<T>, namespace: string, name: string) =>
        objects.get(key(resource, { metadata: { namespace, name } } as unknown as KubeObject)) as T | undefined,
      list: () => [],
    },
    async perform(call) {
      calls.push(call);
      assert.ok(resourceInfo(call.resource.group, call.resource.version, call.resource.plural));
      const object = call.body as KubeObject;
      if (call.namespace) assert.ok(objects.has(`namespaces ${call.namespace}`), "namespaces come first");
      objects.set(key(call.resource, object), object);
      return object;
    },
  };
  return { objects, calls, deps };
}

test("bootstrapCluster() makes namespaces, roles, classes and the kubernetes service", async () => {
  const { objects, deps } = fakeApi();
  await bootstrapCluster(deps, FACTS);
  for (const key of [
    "namespaces kube-node-lease",
    "clusterroles cluster-admin",
    "clusterrolebindings system:basic-user",
    "rolebindings kube-public/system:controller:bootstrap-signer",
    "priorityclasses system-node-critical",
    "flowschemas exempt",
    "apiservices v1.apps",
    "services default/kubernetes",
    "endpointslices default/kubernetes",
    "servicecidrs kubernetes",
    "configmaps kube-system/extension-apiserver-authentication",
  ]) {
    assert.ok(objects.has(key), key);
  }
});

test("bootstrapCluster() registers versions that were turned on", async () => {
  const { objects, deps } = fakeApi();
  await bootstrapCluster(deps, FACTS);
  const { spec } = objects.get("apiservices v1beta2.resource.k8s.io") as unknown as APIService;
  assert.deepEqual(spec, { group: "resource.k8s.io", version: "v1beta2", groupPriorityMinimum: 16200, versionPriority: 12 });
  assert.ok(!objects.has("apiservices v1.apiregistration.k8s.io"));
});

test("bootstrapCluster() writes nothing the second time", async () => {
  const { calls, deps } = fakeApi();
  await bootstrapCluster(deps, FACTS);
  const before = calls.length;
  await bootstrapCluster(deps, FACTS);
  assert.deepEqual(calls.slice(before), []);
});

test("bootstrapCluster() follows the advertised address and gives default roles their rules back", async () => {
  const { objects, calls, deps } = fakeApi();
  await bootstrapCluster(deps, FACTS);
  const role = objects.get("clusterroles system:discovery")!;
  objects.set("clusterroles system:discovery", { ...role, rules: [] } as KubeObject);
  const before = calls.length;
  await bootstrapCluster(deps, { ...FACTS, advertiseAddress: "192.0.2.9", securePort: 7443 });
  assert.deepEqual(
    calls
      .slice(before)
      .map(({ verb, resource, name }) => `${verb} ${resource.plural} ${name}`)
      .sort(),
    ["update clusterroles system:discovery", "update endpoints kubernetes", "update endpointslices kubernetes", "update services kubernetes"],
  );
  const rulesOf = (object: object | undefined) => (object as { rules: readonly PolicyRule[] }).rules;
  assert.deepEqual(uncovered(rulesOf(objects.get("clusterroles system:discovery")), rulesOf(role)), []);
});

test("reconcileObject() widens default roles and bindings, keeps what others added, and leaves alone what is marked so", () => {
  const metadata = { name: "r", labels: { a: "1" }, annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" } };
  const rule = (...verbs: readonly string[]) => ({ verbs, apiGroups: [""], resources: ["pods"] });
  const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata, rules: [rule("get", "list")] };
  const standing = (fields: object) => ({ ...role, ...fields }) as unknown as KubeObject;
  const reconciled = (fields: object) => reconcileObject(standing(fields), role);
  assert.equal(reconciled({}), undefined);
  assert.equal(reconciled({ rules: [rule("*")] }), undefined, "a wider rule holds them");
  assert.deepEqual((reconciled({ rules: [rule("get", "delete")] }) as typeof role).rules, [rule("get", "delete"), rule("list")]);
  assert.deepEqual((reconciled({ metadata: { name: "r", labels: { b: "2" } } }) as typeof role).metadata, { ...metadata, labels: { a: "1", b: "2" } });
  assert.equal(reconciled({ rules: [], metadata: { name: "r", annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } } }), undefined);
  const subjects = [{ kind: "Group", name: "g", apiGroup: "rbac.authorization.k8s.io" }];
  const binding = { ...role, kind: "ClusterRoleBinding", rules: undefined, subjects };
  const mine = { kind: "User", name: "u", apiGroup: "rbac.authorization.k8s.io" };
  assert.deepEqual((reconcileObject(standing({ ...binding, subjects: [mine] }), binding) as typeof binding).subjects, [mine, ...subjects]);
});
