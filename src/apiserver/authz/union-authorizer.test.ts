import assert from "node:assert/strict";
import { test } from "node:test";

import { type Authorizer, type Decision, NO_OPINION } from "#apiserver/authz/authorizer.ts";
import { clusterAuthorizer } from "#apiserver/authz/cluster-authorizer.ts";
import { forbidden } from "#apiserver/authz/forbidden.ts";
import { RbacIndex } from "#apiserver/authz/rbac-index.ts";
import { asked, TestPolicy, userNamed } from "#apiserver/authz/testing/policy.ts";
import { UnionAuthorizer } from "#apiserver/authz/union-authorizer.ts";

const saying = (decision: Decision, error?: string): Authorizer => ({
  authorize: () => decision,
  rulesFor: () => ({ rules: [], incomplete: error !== undefined, ...(error !== undefined && { error }) }),
});
const jane = userNamed("jane", "system:authenticated");

for (const { name, decisions, want } of [
  { name: "no one's opinion is none", decisions: [NO_OPINION, NO_OPINION], want: NO_OPINION },
  {
    name: "all reasons are told",
    decisions: [
      { allowed: false, reason: "a" },
      { allowed: false, reason: "b" },
    ],
    want: { allowed: false, reason: "a\nb" },
  },
  {
    name: "the first yes decides",
    decisions: [
      { allowed: false, reason: "a" },
      { allowed: true, reason: "yes" },
    ],
    want: { allowed: true, reason: "yes" },
  },
  {
    name: "a denial is for good",
    decisions: [
      { allowed: false, denied: true, reason: "never" },
      { allowed: true, reason: "yes" },
    ],
    want: { allowed: false, denied: true, reason: "never" },
  },
]) {
  test(`UnionAuthorizer: ${name}`, () => {
    const union = new UnionAuthorizer(decisions.map((decision) => saying(decision)));
    assert.deepEqual(union.authorize(asked(jane, "get", "pods")), want);
  });
}

test("UnionAuthorizer.rulesFor() joins what its authorizers say", () => {
  const union = new UnionAuthorizer([saying(NO_OPINION, "a"), saying(NO_OPINION), saying(NO_OPINION, "b")]);
  assert.deepEqual(union.rulesFor(jane, "ns"), { rules: [], incomplete: true, error: "[a, b]" });
});

test("clusterAuthorizer() lets system:masters do all, without any role", async () => {
  const policy = await TestPolicy.open();
  const authorizer = clusterAuthorizer(policy.cache, new RbacIndex(policy.cache));
  const admin = userNamed("x", "system:masters");
  assert.equal(authorizer.authorize(asked(admin, "delete", "nodes", { name: "n" })).allowed, true);
  assert.equal(authorizer.authorize({ user: admin, verb: "get", path: "/metrics" }).allowed, true);
  assert.equal(authorizer.authorize(asked(jane, "get", "pods")).allowed, false);
});

test("forbidden() says who may not do what, where", () => {
  assert.equal(
    forbidden(asked(userNamed("jane"), "create", "pods/eviction", { namespace: "ns", name: "x" }), "").message,
    'pods "x" is forbidden: User "jane" cannot create resource "pods/eviction" in API group "" in the namespace "ns"',
  );
  assert.equal(forbidden({ user: jane, verb: "get", path: "/<x>" }, "").message, 'forbidden: User "jane" cannot get path "/&lt;x&gt;"');
});
