import assert from "node:assert/strict";
import { test } from "node:test";

import type { Node, Pod, Toleration } from "#api/core-v1/types.ts";
import { evictionTimeMs } from "#controllers/tainteviction/reconcile.ts";

const timeAdded = "2026-01-01T00:00:00Z";
const node = { spec: { taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded }] } } as unknown as Node;
const toleration = (tolerationSeconds?: number): Toleration =>
  ({
    key: "node.kubernetes.io/unreachable",
    operator: "Exists",
    effect: "NoExecute",
    ...(tolerationSeconds !== undefined && { tolerationSeconds }),
  }) as Toleration;

for (const { name, tolerations, want } of [
  { name: "lets a pod without toleration go at once", tolerations: [], want: 0 },
  { name: "keeps one that tolerates for ever", tolerations: [toleration()], want: undefined },
  { name: "counts the shortest time from the taint on", tolerations: [toleration(300), toleration(60)], want: Date.parse(timeAdded) + 60_000 },
]) {
  test(`evictionTimeMs() ${name}`, () => {
    assert.equal(evictionTimeMs({ spec: { tolerations } } as unknown as Pod, node, 0), want);
  });
}
