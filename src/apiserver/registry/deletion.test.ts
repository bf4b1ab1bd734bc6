import assert from "node:assert/strict";
import { test } from "node:test";

import type { Strategy } from "#api/strategy.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { planDeletion } from "#apiserver/registry/deletion.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const graceful: Strategy = { gracePeriodSeconds: (_object, asked) => asked ?? 30 };

function object(metadata: object = {}): KubeObject {
  return { kind: "Pod", apiVersion: "v1", metadata: { name: "a", uid: "u", resourceVersion: "1", creationTimestamp: "", ...metadata } };
}

test("planDeletion() removes what has neither grace nor finalizers", () => {
  assert.deepEqual(planDeletion(object(), {}, {}, NOW), { kind: "remove" });
});

test("planDeletion() marks a graceful object with the time by which it is gone", () => {
  const plan = planDeletion(object({ generation: 1 }), {}, graceful, NOW);
  assert.ok(plan.kind === "update" && !plan.thenRemove);
  const { deletionTimestamp, deletionGracePeriodSeconds, generation } = plan.object.metadata;
  assert.deepEqual([deletionTimestamp, deletionGracePeriodSeconds, generation], ["2030-01-01T00:00:30Z", 30, 2]);
});

test("planDeletion() with no grace left writes once more, then removes", () => {
  const plan = planDeletion(object(), { gracePeriodSeconds: 0 }, graceful, NOW);
  assert.ok(plan.kind === "update" && plan.thenRemove);
});

test("planDeletion() shortens a grace period that runs, and never lengthens it", () => {
  const going = object({ deletionTimestamp: "2030-01-01T00:00:30Z", deletionGracePeriodSeconds: 30 });
  assert.deepEqual(planDeletion(going, { gracePeriodSeconds: 60 }, graceful, NOW), { kind: "pending" });
  const plan = planDeletion(going, { gracePeriodSeconds: 10 }, graceful, NOW);
  assert.ok(plan.kind === "update");
  assert.equal(plan.object.metadata.deletionTimestamp, "2030-01-01T00:00:10Z");
});

for (const { name, options, finalizers, want } of [
  { name: "Foreground adds its finalizer", options: { propagationPolicy: "Foreground" }, finalizers: ["x"], want: ["x", "foregroundDeletion"] },
  { name: "Orphan takes the place of foreground", options: { propagationPolicy: "Orphan" }, finalizers: ["foregroundDeletion"], want: ["orphan"] },
  { name: "orphanDependents counts like Orphan", options: { orphanDependents: true }, finalizers: [], want: ["orphan"] },
  { name: "no policy keeps what the object says", options: {}, finalizers: ["orphan"], want: ["orphan"] },
]) {
  test(`planDeletion(): ${name}`, () => {
    const plan = planDeletion(object({ finalizers }), options, {}, NOW);
    assert.ok(plan.kind === "update" && !plan.thenRemove);
    assert.deepEqual(plan.object.metadata.finalizers, want);
    assert.equal(plan.object.metadata.deletionGracePeriodSeconds, 0);
  });
}
