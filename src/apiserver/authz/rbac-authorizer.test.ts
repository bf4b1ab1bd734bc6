import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { RbacAuthorizer } from "#apiserver/authz/rbac-authorizer.ts";
import { RbacIndex } from "#apiserver/authz/rbac-index.ts";
import { ruleAllows } from "#apiserver/authz/rule.ts";
import { asked, TestPolicy, userNamed } from "#apiserver/authz/testing/policy.ts";

const READ_PODS = { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] };
const jane = userNamed("jane", "devs", "system:authenticated");

async function world() {
  const policy = await TestPolicy.open();
  return { policy, authorizer: new RbacAuthorizer(new RbacIndex(policy.cache)) };
}

for (const { name, namespace, subject, user, reason } of [
  { name: "a user", namespace: "a", subject: { kind: "User", name: "jane" }, user: jane, reason: 'RoleBinding "b/a" of Role "r" to User "jane"' },
  { name: "a group", namespace: "a", subject: { kind: "Group", name: "devs" }, user: jane, reason: 'RoleBinding "b/a" of Role "r" to Group "devs"' },
  {
    name: "an account of the same namespace",
    namespace: "a",
    subject: { kind: "ServiceAccount", name: "web" },
    user: userNamed("system:serviceaccount:a:web"),
    reason: 'RoleBinding "b/a" of Role "r" to ServiceAccount "web/a"',
  },
  {
    name: "an account of another namespace",
    namespace: "a",
    subject: { kind: "ServiceAccount", name: "web", namespace: "z" },
    user: userNamed("system:serviceaccount:z:web"),
    reason: 'RoleBinding "b/a" of Role "r" to ServiceAccount "web/z"',
  },
]) {
  test(`RbacAuthorizer allows ${name} what its role says, there and nowhere else`, async () => {
    const { policy, authorizer } = await world();
    await policy.role(namespace, "r", READ_PODS);
    await policy.bind(namespace, "b", "Role/r", subject);
    assert.deepEqual(authorizer.authorize(asked(user, "list", "pods", { namespace })), { allowed: true, reason: `RBAC: allowed by ${reason}` });
    for (const refused of [
      asked(user, "list", "pods", { namespace: "other" }),
      asked(user, "list", "pods"),
      asked(user, "delete", "pods", { namespace }),
      asked(user, "get", "pods/log", { namespace }),
      asked(userNamed("somebody"), "list", "pods", { namespace }),
    ]) {
      assert.deepEqual(authorizer.authorize(refused), { allowed: false, reason: "" });
    }
  });
}

test("RbacAuthorizer follows each change of roles and bindings", async () => {
  const { policy, authorizer } = await world();
  const allowed = (verb = "list") => authorizer.authorize(asked(jane, verb, "pods", { namespace: "a" })).allowed;
  assert.equal(allowed(), false);
  await policy.bind("", "b", "ClusterRole/r", { kind: "Group", name: "devs" });
  assert.equal(authorizer.authorize(asked(jane, "list", "pods")).reason, 'RBAC: clusterrole.rbac.authorization.k8s.io "r" not found');
  await policy.role("", "r", READ_PODS);
  assert.equal(allowed(), true);
  await policy.role("", "r", { ...READ_PODS, verbs: ["delete"] });
  assert.deepEqual([allowed(), allowed("delete")], [false, true]);
  await policy.bind("", "b", "ClusterRole/r", { kind: "User", name: "joe" });
  assert.equal(allowed("delete"), false);
  await policy.bind("", "b", "ClusterRole/r", { kind: "User", name: "joe" }, { kind: "User", name: "jane" });
  assert.equal(allowed("delete"), true);
  await policy.unbind("", "b");
  assert.equal(allowed("delete"), false);
});

test("RbacAuthorizer: paths are allowed by cluster roles alone, resources by name only where a name is asked", async () => {
  const { policy, authorizer } = await world();
  await policy.role("", "p", { verbs: ["get"], nonResourceURLs: ["/metrics", "/x/*", "/y*"] });
  await policy.role("", "n", { verbs: ["*"], apiGroups: ["*"], resources: ["*/scale", "secrets"], resourceNames: ["one"] });
  await policy.bind("", "p", "ClusterRole/p", { kind: "User", name: "jane" });
  await policy.bind("", "n", "ClusterRole/n", { kind: "User", name: "jane" });
  const path = (text: string) => authorizer.authorize({ user: jane, verb: "get", path: text }).allowed;
  assert.deepEqual(["/metrics", "/metrics/x", "/x/a/b", "/x", "/yes"].map(path), [true, false, true, false, true]);
  const named = (resource: string, name: string) => authorizer.authorize(asked(jane, "get", resource, { name, namespace: "a" })).allowed;
  assert.deepEqual(
    [named("secrets", "one"), named("secrets", "two"), named("secrets", ""), named("deployments/scale.apps", "one")],
    [true, false, false, true],
  );
});

test("RbacAuthorizer.rulesFor() tells each binding's rules once, and what is missing", async () => {
  const { policy, authorizer } = await world();
  await policy.role("a", "r", READ_PODS);
  await policy.bind("a", "b", "Role/r", { kind: "User", name: "jane" }, { kind: "Group", name: "devs" });
  await policy.bind("a", "c", "Role/gone", { kind: "User", name: "jane" });
  const { rules, incomplete, error } = authorizer.rulesFor(jane, "a");
  assert.deepEqual(JSON.parse(JSON.stringify(rules)), [READ_PODS]);
  assert.deepEqual({ incomplete, error }, { incomplete: false, error: 'role.rbac.authorization.k8s.io "gone" not found' });
});

const name = fc.constantFrom("a", "b", "c");
const subject = fc.oneof(
  fc.record({ kind: fc.constant("User"), name }),
  fc.record({ kind: fc.constant("Group"), name }),
  fc.record({ kind: fc.constant("ServiceAccount"), name, namespace: fc.constantFrom("", "a", "b") }),
);
const step = fc.oneof(
  fc.record({ do: fc.constant("role" as const), namespace: fc.constantFrom("", "a", "b"), name, verb: name }),
  fc.record({ do: fc.constant("bind" as const), namespace: fc.constantFrom("", "a", "b"), name, role: name, subjects: fc.array(subject, { maxLength: 3 }) }),
  fc.record({ do: fc.constant("unbind" as const), namespace: fc.constantFrom("", "a", "b"), name }),
);

interface Bound {
  readonly namespace: string;
  readonly role: string;
  readonly subjects: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

test("RbacAuthorizer agrees with a walk over all bindings, whatever changes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const { policy, authorizer } = await world();
      authorizer.rulesFor(jane, "a"); // the index stands from the beginning and has to follow
      const roles = new Map<string, { verbs: string[]; apiGroups: string[]; resources: string[] }>();
      const bindings = new Map<string, Bound>();
      for (const each of steps) {
        const key = `${each.namespace}/${each.name}`;
        if (each.do === "role") {
          const rule = { verbs: [each.verb], apiGroups: [""], resources: ["pods"] };
          roles.set(key, rule);
          await policy.role(each.namespace, each.name, rule);
        } else if (each.do === "bind") {
          bindings.set(key, each);
          await policy.bind(each.namespace, each.name, `${each.namespace === "" ? "ClusterRole" : "Role"}/${each.role}`, ...each.subjects);
        } else if (bindings.delete(key)) {
          await policy.unbind(each.namespace, each.name);
        }
      }
      for (const user of [userNamed("a", "b", "c"), userNamed("system:serviceaccount:a:b"), userNamed("c")]) {
        for (const namespace of ["", "a", "b"]) {
          for (const verb of ["a", "b", "c"]) {
            const attributes = asked(user, verb, "pods", { namespace });
            const expected = [...bindings.values()].some((binding) => {
              if (binding.namespace !== "" && binding.namespace !== namespace) return false;
              const rule = roles.get(`${binding.namespace}/${binding.role}`);
              return rule !== undefined && ruleAllows(rule, attributes) && binding.subjects.some((one) => isUser(one, user, binding.namespace));
            });
            assert.equal(authorizer.authorize(attributes).allowed, expected);
          }
        }
      }
    }),
    { numRuns: 60 },
  );
});

function isUser({ kind, name: own, namespace }: Bound["subjects"][number], user: ReturnType<typeof userNamed>, within: string): boolean {
  if (kind === "User") return user.name === own;
  if (kind === "Group") return user.groups.includes(own);
  const home = namespace || within;
  return home !== "" && user.name === `system:serviceaccount:${home}:${own}`;
}
