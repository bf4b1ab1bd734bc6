import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { builtin, type Resource } from "#api/resources.ts";
import { LOOPBACK_USER, type UserInfo } from "#apiserver/user.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

const GROUP = "admissionregistration.k8s.io";
const POLICIES = builtin(GROUP, "v1", "validatingadmissionpolicies");
const BINDINGS = builtin(GROUP, "v1", "validatingadmissionpolicybindings");
const ROLES = builtin("rbac.authorization.k8s.io", "v1", "clusterroles");
const ROLE_BINDINGS = builtin("rbac.authorization.k8s.io", "v1", "clusterrolebindings");

const user = (name: string): UserInfo => ({ name, uid: "7", groups: ["system:authenticated"], extra: {} });
const WRITER = user("writer");
const READER = user("reader");

let api: TestServer;

const perform = (verb: "create" | "update" | "delete", resource: Resource, body: object, who: UserInfo, name = "") =>
  api.server.pipeline.perform({ verb, resource, name, body }, who) as Promise<{ metadata: object; spec: object }>;

before(async () => {
  api = await startTestServer();
  const rules = [{ verbs: ["*"], apiGroups: [GROUP], resources: ["*"] }];
  const reading = [{ verbs: ["get"], apiGroups: [""], resources: ["configmaps"] }];
  for (const [name, added] of [
    ["writer", rules],
    ["reader", [...rules, ...reading]],
  ] as const) {
    await perform("create", ROLES, { metadata: { name }, rules: added }, LOOPBACK_USER);
    const subjects = [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name }];
    await perform(
      "create",
      ROLE_BINDINGS,
      { metadata: { name }, subjects, roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name } },
      LOOPBACK_USER,
    );
  }
  await perform("create", POLICIES, policy("known", "v1", "ConfigMap"), LOOPBACK_USER);
  await perform("create", POLICIES, policy("strange", "example.com/v1", "Strange"), LOOPBACK_USER);
});

after(() => api.close());

const RULE = { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] };
const policy = (name: string, apiVersion: string, kind: string) => ({
  metadata: { name },
  spec: { paramKind: { apiVersion, kind }, matchConstraints: { resourceRules: [RULE] }, validations: [{ expression: "true" }] },
});
const binding = (policyName: string, paramRef: object) => ({
  metadata: { name: "b" },
  spec: { policyName, paramRef: { parameterNotFoundAction: "Deny", ...paramRef }, validationActions: ["Deny"] },
});
const WHO = "&{writer 7 [system:authenticated] map[]}";

for (const { name, resource = BINDINGS, body, who = WRITER, want } of [
  {
    name: "a policy of parameters that its author cannot read",
    resource: POLICIES,
    body: policy("p", "v1", "ConfigMap"),
    want: `spec.paramKind: Forbidden: user ${WHO} must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)`,
  },
  { name: "a policy of parameters that he can read", resource: POLICIES, body: policy("p", "v1", "ConfigMap"), who: READER, want: undefined },
  {
    name: "a binding with a parameter that its author cannot read",
    body: binding("known", { name: "a" }),
    want: `spec.paramRef: Forbidden: user ${WHO} does not have "get" permission on the object referenced by paramRef`,
  },
  { name: "a binding with one that he can read", body: binding("known", { name: "a" }), who: READER, want: undefined },
  {
    name: "a binding that selects parameters, which takes a list",
    body: binding("known", { selector: {} }),
    who: READER,
    want: `spec.paramRef: Forbidden: user ${WHO.replace("writer", "reader")} does not have "list" permission on the object referenced by paramRef`,
  },
  {
    name: "a binding of a policy that is not there",
    body: binding("nothing", { name: "a" }),
    want: `spec.paramRef: Forbidden: unable to get policy nothing to determine minimum required permissions and user ${WHO} does not have "get" permission for all groups, versions and resources`,
  },
  {
    name: "a binding of a policy with parameters that are not served",
    body: binding("strange", { name: "a" }),
    want: `spec.paramRef: Forbidden: unable to resolve paramKind &{example.com/v1 Strange} to determine minimum required permissions and user ${WHO} does not have "get" permission for all groups, versions and resources`,
  },
]) {
  test(`admission ${want === undefined ? "takes" : "refuses"} ${name}`, async () => {
    const creating = perform("create", resource, body, who);
    if (want !== undefined) {
      return assert.rejects(creating, (error: Error) => {
        assert.equal(error.message.replace(/^[^"]+"\w+" is invalid: /, ""), want);
        return true;
      });
    }
    await creating;
    await perform("delete", resource, {}, LOOPBACK_USER, body.metadata.name);
  });
}

test("a policy may be changed by who cannot read its parameters, but for what they are", async () => {
  const { metadata, spec } = await perform("create", POLICIES, policy("p", "v1", "ConfigMap"), LOOPBACK_USER);
  const next = await perform("update", POLICIES, { metadata, spec: { ...spec, failurePolicy: "Ignore" } }, WRITER, "p");
  await assert.rejects(perform("update", POLICIES, { ...next, spec: { ...spec, paramKind: { apiVersion: "v1", kind: "Secret" } } }, WRITER, "p"), {
    code: 422,
  });
  await perform("delete", POLICIES, {}, LOOPBACK_USER, "p");
});
