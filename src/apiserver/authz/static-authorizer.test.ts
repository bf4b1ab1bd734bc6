import assert from "node:assert/strict";
import { test } from "node:test";

import { forbidden } from "#apiserver/authz/forbidden.ts";
import { StaticAuthorizer } from "#apiserver/authz/static-authorizer.ts";

const authorizer = new StaticAuthorizer();
const user = (...groups: string[]) => ({ name: "jane", uid: "", groups, extra: {} });
const on = (verb: string, plural: string, subresource = "") => ({ verb, group: "", version: "v1", plural, subresource, namespace: "ns", name: "x" });

for (const { name, groups, wants, allowed } of [
  { name: "administrators may do all", groups: ["system:masters"], wants: on("delete", "nodes"), allowed: true },
  { name: "nodes may write the status of pods", groups: ["system:nodes"], wants: on("patch", "pods", "status"), allowed: true },
  { name: "nodes may not create deployments' pods by exec", groups: ["system:nodes"], wants: on("create", "pods", "exec"), allowed: false },
  { name: "others may not read", groups: ["system:authenticated"], wants: on("get", "pods"), allowed: false },
]) {
  test(`StaticAuthorizer: ${name}`, () => assert.equal(authorizer.authorize({ user: user(...groups), ...wants }).allowed, allowed));
}

test("StaticAuthorizer lets everyone known discover, and everyone see health", () => {
  assert.equal(authorizer.authorize({ user: user("system:authenticated"), verb: "get", path: "/apis/apps/v1" }).allowed, true);
  assert.equal(authorizer.authorize({ user: user(), verb: "get", path: "/apis" }).allowed, false);
  assert.equal(authorizer.authorize({ user: user(), verb: "get", path: "/livez" }).allowed, true);
});

test("forbidden() says who may not do what, where", () => {
  assert.equal(
    forbidden({ user: user(), ...on("create", "pods", "eviction") }, "").message,
    'pods "x" is forbidden: User "jane" cannot create resource "pods/eviction" in API group "" in the namespace "ns"',
  );
  assert.equal(forbidden({ user: user(), verb: "get", path: "/<x>" }, "").message, 'forbidden: User "jane" cannot get path "/&lt;x&gt;"');
});
