import assert from "node:assert/strict";
import { test } from "node:test";

import { CONFIG_MAPS, DEPLOYMENTS, PODS } from "#api/builtin.ts";
import type { Namespace } from "#api/core-v1/types.ts";
import { deletionConditions, isEmpty, type Outcome } from "#controllers/namespace/reconcile.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const namespaceWith = (conditions?: unknown) => ({ metadata: { name: "n" }, status: { conditions } }) as unknown as Namespace;
const told = (outcome: Outcome, type: string) => {
  const found = deletionConditions(namespaceWith(), outcome, NOW_MS).find((condition) => condition.type === type);
  return [found?.status, found?.reason, found?.message];
};
const left = (resource: Outcome["remaining"][number]["resource"], count: number, finalizers = {}) => ({ resource, count, finalizers });

for (const { name, outcome, type, want } of [
  {
    name: "counts what is left by resource and group",
    outcome: { remaining: [left(PODS, 2), left(DEPLOYMENTS, 1), left(CONFIG_MAPS, 0)], errors: [] },
    type: "NamespaceContentRemaining",
    want: ["True", "SomeResourcesRemain", "Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances"],
  },
  {
    name: "adds up who still holds",
    outcome: { remaining: [left(PODS, 2, { "a/x": 2 }), left(DEPLOYMENTS, 1, { "a/x": 1, "b/y": 1 })], errors: [] },
    type: "NamespaceFinalizersRemaining",
    want: ["True", "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: a/x in 3 resource instances, b/y in 1 resource instances"],
  },
  {
    name: "tells what could not be deleted",
    outcome: { remaining: [], errors: [new Error("two"), new Error("one")] },
    type: "NamespaceDeletionContentFailure",
    want: ["True", "ContentDeletionFailed", "Failed to delete all resource types, 2 remaining: one, two"],
  },
  {
    name: "tells whose content nobody knows",
    outcome: { remaining: [], errors: [], undiscovered: ["b/v1", "a/v1"] },
    type: "NamespaceDeletionDiscoveryFailure",
    want: [
      "True",
      "DiscoveryFailed",
      "Discovery failed for some groups, 2 failing: unable to retrieve the complete list of server APIs: a/v1: stale GroupVersion discovery: a/v1, b/v1: stale GroupVersion discovery: b/v1",
    ],
  },
  {
    name: "says so when nothing is left",
    outcome: { remaining: [left(PODS, 0)], errors: [] },
    type: "NamespaceContentRemaining",
    want: ["False", "ContentRemoved", "All content successfully removed"],
  },
]) {
  test(`deletionConditions() ${name}`, () => assert.deepEqual(told(outcome, type), want));
}

test("deletionConditions() keeps others' conditions, and the time where the status stays", () => {
  const outcome = { remaining: [left(PODS, 1)], errors: [] };
  const before = [{ type: "Mine", status: "True" }, ...deletionConditions(namespaceWith(), outcome, NOW_MS)];
  assert.deepEqual(deletionConditions(namespaceWith(before), outcome, NOW_MS + 60_000), before);
  const after = deletionConditions(namespaceWith(before), { remaining: [], errors: [] }, NOW_MS + 60_000);
  const times = after.filter(({ lastTransitionTime }) => lastTransitionTime === "2026-01-01T00:01:00Z").map(({ type }) => type);
  assert.deepEqual(times, ["NamespaceContentRemaining"]);
});

test("isEmpty() holds only when all is gone and all was asked", () => {
  assert.equal(isEmpty({ remaining: [left(PODS, 0)], errors: [] }), true);
  assert.equal(isEmpty({ remaining: [left(PODS, 1)], errors: [] }), false);
  assert.equal(isEmpty({ remaining: [], errors: [new Error("unknown")] }), false);
});
