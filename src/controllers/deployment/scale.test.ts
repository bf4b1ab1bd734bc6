import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import { fencepostsOf } from "#controllers/deployment/fenceposts.ts";
import { newSetSize, oldSetSizes, sizesAfterScaling, totalReplicas } from "#controllers/deployment/scale.ts";
import { timeAt } from "#controllers/testing/objects.ts";

const setOf = (name: string, replicas: number, available = replicas, age = 0, wasMax?: number): ReplicaSet =>
  ({
    metadata: {
      name,
      uid: name,
      creationTimestamp: timeAt(age),
      annotations: wasMax === undefined ? {} : { "deployment.kubernetes.io/max-replicas": String(wasMax) },
    },
    spec: { replicas },
    status: { replicas, availableReplicas: available },
  }) as unknown as ReplicaSet;
const deploymentOf = (replicas: number, maxSurge: number | string, maxUnavailable: number | string): Deployment =>
  ({
    metadata: { name: "web" },
    spec: { replicas, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } } },
    status: {},
  }) as unknown as Deployment;
const brief = (sizes: ReturnType<typeof oldSetSizes>) => sizes.map(({ set, via, replicas }) => [set.metadata.name, via, replicas]);

for (const { name, deployment, fresh, old, want } of [
  { name: "keeps what is needed", deployment: deploymentOf(3, 1, 0), fresh: setOf("new", 1, 0), old: [setOf("old", 3)], want: [] },
  { name: "takes down what the new can spare", deployment: deploymentOf(3, 1, 0), fresh: setOf("new", 1), old: [setOf("old", 3)], want: [["old", 3, 2]] },
  {
    name: "takes what does not work first, the oldest set first",
    deployment: deploymentOf(4, 2, 1),
    fresh: setOf("new", 2, 0),
    old: [setOf("b", 2, 0, 2), setOf("a", 2, 2, 1)],
    want: [["b", 1, 1]],
  },
  {
    name: "does not count pods that a smaller size has already given up",
    deployment: deploymentOf(2, 0, 1),
    fresh: setOf("new", 0),
    old: [setOf("old", 2, 4)],
    want: [["old", 2, 1]],
  },
  { name: "tells of both reasons apart", deployment: deploymentOf(3, 0, 2), fresh: setOf("new", 1), old: [setOf("old", 3, 2)], want: [["old", 2, 0]] },
]) {
  test(`oldSetSizes() ${name}`, () => assert.deepEqual(brief(oldSetSizes(deployment, fresh, old)), want));
}

const amount = fc.oneof(
  fc.nat(4),
  fc.nat(100).map((percent) => `${percent}%`),
);
const anyDeployment = fc.tuple(fc.nat(12), amount, amount).map(([replicas, surge, unavailable]) => deploymentOf(replicas, surge, unavailable));
const anySets = fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { minLength: 1, maxLength: 4 }).map((sets) => {
  const total = sets.reduce((sum, [replicas]) => sum + replicas, 0);
  return sets.map(([replicas, available], i) => setOf(`s${i}`, replicas, Math.min(replicas, available), i, total));
});

test("newSetSize() never goes over the surge, nor over what is wanted", () => {
  fc.assert(
    fc.property(anyDeployment, anySets, (deployment, sets) => {
      const current = sets.at(-1)!.spec.replicas!;
      const size = newSetSize(deployment, sets, current);
      const { replicas = 0 } = deployment.spec;
      assert.ok(size <= replicas);
      if (size > current) assert.ok(totalReplicas(sets) - current + size <= replicas + fencepostsOf(deployment).maxSurge);
    }),
  );
});

test("oldSetSizes() leaves at least as many available as must be, whichever pods go", () => {
  fc.assert(
    fc.property(anyDeployment, anySets, (deployment, sets) => {
      const fresh = sets.at(-1)!;
      const old = sets.slice(0, -1);
      const sizes = new Map(oldSetSizes(deployment, fresh, old).map(({ set, replicas }) => [set, replicas]));
      const available = (set: ReplicaSet) => set.status.availableReplicas ?? 0;
      const before = sets.reduce((sum, set) => sum + available(set), 0);
      // Unready pods go first, so a set that keeps n has as many of its available ones as fit.
      const after = sets.reduce((sum, set) => sum + Math.min(available(set), sizes.get(set) ?? set.spec.replicas!), 0);
      const least = deployment.spec.replicas! - fencepostsOf(deployment).maxUnavailable;
      assert.ok(after >= Math.min(before, least), `${after} of ${before}, ${least} at least`);
    }),
  );
});

test("sizesAfterScaling() spreads the new size over the sets: what rounding leaves is not lost", () => {
  fc.assert(
    fc.property(anyDeployment, anySets, (deployment, sets) => {
      const { replicas = 0 } = deployment.spec;
      const sizes = new Map(sizesAfterScaling(deployment, undefined, sets).map((sizing) => [sizing.set, sizing.replicas]));
      const total = sets.reduce((sum, set) => sum + (sizes.get(set) ?? set.spec.replicas!), 0);
      const active = sets.filter(({ spec }) => spec.replicas! > 0).length;
      assert.ok([...sizes.values()].every((size) => size >= 0));
      if (active > 1) assert.equal(total, replicas === 0 ? 0 : replicas + fencepostsOf(deployment).maxSurge);
      else assert.equal(total, replicas);
    }),
  );
});
