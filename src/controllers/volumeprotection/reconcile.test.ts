import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { PersistentVolumeClaim, Pod } from "#api/core-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { claimKeysOf, finalizersFor, usesClaim } from "#controllers/volumeprotection/reconcile.ts";

const finalizerLists = fc.uniqueArray(fc.constantFrom("f", "g", "h"));

test("finalizersFor() adds to what stays, takes from what leaves unused, keeps the others, and settles", () => {
  fc.assert(
    fc.property(finalizerLists, fc.boolean(), fc.boolean(), (finalizers, isLeaving, isUsed) => {
      const object = { metadata: { name: "x", finalizers, ...(isLeaving && { deletionTimestamp: "2026-01-01T00:00:00Z" }) } } as unknown as KubeObject;
      const after = finalizersFor(object, "f", () => isUsed) ?? finalizers;
      const want = isLeaving ? finalizers.includes("f") && isUsed : true;
      assert.equal(after.includes("f"), want);
      assert.deepEqual(
        after.filter((name) => name !== "f"),
        finalizers.filter((name) => name !== "f"),
      );
      assert.equal(
        finalizersFor({ metadata: { ...object.metadata, finalizers: after } } as KubeObject, "f", () => isUsed),
        undefined,
      );
    }),
  );
});

const named = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
const ephemeral = [{ name: "v", ephemeral: {} }];
const gone = { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: 0 };

for (const { name, volumes, claim = "data", owner, node = "n1", metadata = {}, phase = "Running", want } of [
  { name: "counts a pod on a node", volumes: named, want: true },
  { name: "counts a finished pod that names the claim", volumes: named, phase: "Succeeded", want: true },
  { name: "leaves out a pod without a node", volumes: named, node: "", want: false },
  { name: "leaves out other claims", volumes: named, claim: "other", want: false },
  { name: "counts the pod that an ephemeral claim was made for", volumes: ephemeral, claim: "p-v", owner: "u1", want: true },
  { name: "leaves out a claim that only has an ephemeral one's name", volumes: ephemeral, claim: "p-v", owner: "u2", want: false },
  { name: "leaves out a pod that has shut down, for its ephemeral claim", volumes: ephemeral, claim: "p-v", owner: "u1", metadata: gone, want: false },
]) {
  test(`usesClaim() ${name}`, () => {
    const pod = {
      metadata: { namespace: "default", name: "p", uid: "u1", ...metadata },
      spec: { nodeName: node, volumes },
      status: { phase },
    } as unknown as Pod;
    const ownerReferences = owner === undefined ? [] : [{ kind: "Pod", name: "p", uid: owner, controller: true }];
    const object = { metadata: { namespace: "default", name: claim, ownerReferences } } as unknown as PersistentVolumeClaim;
    assert.equal(usesClaim(pod, object), want);
    if (want) assert.deepEqual(claimKeysOf(pod), [`default/${claim}`]);
  });
}
