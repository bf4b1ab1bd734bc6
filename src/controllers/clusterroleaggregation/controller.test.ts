import assert from "node:assert/strict";
import { test } from "node:test";

import { CLUSTER_ROLES } from "#api/builtin.ts";
import type { ClusterRole } from "#api/rbac-v1/types.ts";
import { startClusterRoleAggregation } from "#controllers/clusterroleaggregation/controller.ts";
import { testCluster } from "#controllers/testing/cluster.ts";

import { reconcileAggregation } from "./aggregate.ts";

const rule = (verb: string) => ({ verbs: [verb], apiGroups: [""], resources: ["pods"] });
const role = (name: string, labels: Record<string, string>, verbs: readonly string[]) => ({ metadata: { name, labels }, rules: verbs.map(rule) });
const gathering = (name: string, labels: Record<string, string>, ...wanted: readonly Record<string, string>[]) => ({
  metadata: { name, labels },
  aggregationRule: { clusterRoleSelectors: wanted.map((matchLabels) => ({ matchLabels })) },
});

for (const { name, own, others, want } of [
  { name: "leaves plain roles alone", own: role("r", {}, ["get"]), others: [role("b", { a: "1" }, ["list"])], want: undefined },
  {
    name: "gathers in order of names, each rule once, never its own",
    own: { ...gathering("r", { a: "1" }, { a: "1" }), rules: [rule("old")] },
    others: [role("c", { a: "1" }, ["get", "watch"]), role("b", { a: "1" }, ["list", "get"]), role("d", {}, ["delete"])],
    want: ["list", "get", "watch"],
  },
  {
    name: "gathers by one selector after the other",
    own: gathering("r", {}, { z: "1" }, { a: "1" }),
    others: [role("b", { a: "1" }, ["get"]), role("c", { z: "1" }, ["list"])],
    want: ["list", "get"],
  },
  { name: "takes rules away that nobody brings any more", own: { ...gathering("r", {}, { a: "1" }), rules: [rule("get")] }, others: [], want: [] },
  {
    name: "does nothing when all is there",
    own: { ...gathering("r", {}, { a: "1" }), rules: [rule("get")] },
    others: [role("b", { a: "1" }, ["get"])],
    want: undefined,
  },
]) {
  test(`reconcileAggregation() ${name}`, () => {
    const all = [own, ...others] as unknown as readonly ClusterRole[];
    assert.deepEqual(
      reconcileAggregation(all[0]!, all)?.map(({ verbs }) => verbs[0]),
      want,
    );
  });
}

test("aggregated roles follow those that they gather, through each other, and then rest", async () => {
  const cluster = testCluster(startClusterRoleAggregation);
  const { client, transport } = cluster;
  const verbsOf = (name: string) =>
    transport
      .objects<ClusterRole>(CLUSTER_ROLES)
      .find(({ metadata }) => metadata.name === name)
      ?.rules?.map(({ verbs }) => verbs[0]);
  await client.create(CLUSTER_ROLES, gathering("view", { edit: "1" }, { view: "1" }));
  await client.create(CLUSTER_ROLES, gathering("edit", {}, { edit: "1" }));
  await client.create(CLUSTER_ROLES, role("part", { view: "1" }, ["get"]));
  await cluster.settle();
  assert.deepEqual([verbsOf("view"), verbsOf("edit")], [["get"], ["get"]]);
  await client.patch(CLUSTER_ROLES, { name: "part" }, "merge", { rules: [rule("list")] });
  await cluster.settle();
  assert.deepEqual([verbsOf("view"), verbsOf("edit")], [["list"], ["list"]]);
  await client.delete(CLUSTER_ROLES, { name: "part" });
  await cluster.settle();
  assert.deepEqual([verbsOf("view"), verbsOf("edit")], [[], []]);
  const { revision } = transport;
  await cluster.pass(10);
  assert.equal(transport.revision, revision);
  assert.deepEqual(cluster.complaints, []);
  cluster.stop();
});
