import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIG_MAPS } from "#api/builtin.ts";
import type { GraphNode } from "#controllers/garbagecollector/graph.ts";
import { reconcileNode, type OwnerState } from "#controllers/garbagecollector/reconcile.ts";

const nodeOf = (
  uid: string,
  { finalizers = [], owners = [], isDeleting = false }: { finalizers?: string[]; owners?: string[]; isDeleting?: boolean } = {},
): GraphNode => ({
  uid,
  resource: CONFIG_MAPS,
  key: `default/${uid}`,
  namespace: "default",
  owners: owners.map((owner) => ({ apiVersion: "v1", kind: "ConfigMap", name: owner, uid: owner, blockOwnerDeletion: true })),
  isDeleting,
  finalizers,
});
const ownersIn = (states: Readonly<Record<string, OwnerState>>) =>
  Object.entries(states).map(([uid, state]) => ({ reference: { apiVersion: "v1", kind: "ConfigMap", name: uid, uid }, state }));

const foreground = { isDeleting: true, finalizers: ["foregroundDeletion"] };
const child = nodeOf("child", { owners: ["me"] });
const going = nodeOf("going", { owners: ["me"], isDeleting: true });

for (const { name, node, owners = {}, dependents = [], want } of [
  { name: "keeps what has an owner", node: nodeOf("me"), owners: { a: "solid" }, want: [] },
  { name: "deletes what has none left", node: nodeOf("me"), owners: { a: "absent" }, want: ["delete Background"] },
  { name: "drops an owner that is gone beside one that is not", node: nodeOf("me"), owners: { a: "absent", b: "solid" }, want: ["dropOwners me a"] },
  { name: "waits where it cannot tell", node: nodeOf("me"), owners: { a: "unknown", b: "absent" }, want: [] },
  { name: "deletes as the object's own finalizer asks", node: nodeOf("me", { finalizers: ["orphan"] }), owners: { a: "absent" }, want: ["delete Orphan"] },
  {
    name: "deletes in the foreground what an owner waits for and others wait on",
    node: nodeOf("me"),
    owners: { a: "waiting" },
    dependents: [child],
    want: ["delete Foreground"],
  },
  {
    name: "opens a circle of two that wait for each other",
    node: nodeOf("me"),
    owners: { a: "waiting" },
    dependents: [nodeOf("b", { ...foreground, owners: ["me"] })],
    want: ["dropOwners b me", "delete Foreground"],
  },
  { name: "lets go when nothing blocks", node: nodeOf("me", foreground), want: ["removeFinalizer foregroundDeletion"] },
  { name: "pushes on those that are not going yet, and only those", node: nodeOf("me", foreground), dependents: [child, going], want: ["look child"] },
  {
    name: "orphans dependents before it lets go",
    node: nodeOf("me", { isDeleting: true, finalizers: ["orphan"] }),
    dependents: [child],
    want: ["dropOwners child me", "removeFinalizer orphan"],
  },
  { name: "leaves what is being deleted", node: nodeOf("me", { isDeleting: true }), owners: { a: "absent" }, want: [] },
] as const) {
  test(`reconcileNode() ${name}`, () => {
    const actions = reconcileNode({ node, owners: ownersIn(owners), dependents });
    const words = actions.map((action) => {
      switch (action.kind) {
        case "delete":
          return `delete ${action.policy}`;
        case "dropOwners":
          return `dropOwners ${action.node.uid} ${action.uids.join()}`;
        case "removeFinalizer":
          return `removeFinalizer ${action.name}`;
        case "look":
          return `look ${action.nodes.map(({ uid }) => uid).join()}`;
      }
    });
    assert.deepEqual(words, want);
  });
}
