import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Node } from "#api/core-v1/types.ts";
import { isNodeReady } from "#controllers/nodelifecycle/conditions.ts";
import { ZoneHealth, zoneOf } from "#controllers/nodelifecycle/zones.ts";
import { nodeNamed } from "#controllers/testing/objects.ts";

const inZone = (name: string, zone: string, ready: boolean, labels = {}) =>
  nodeNamed(name, { ready, labels: { ...labels, "topology.kubernetes.io/zone": zone } });
const manyNodes = (zone: string, ready: number, silent: number) => Array.from({ length: ready + silent }, (_, i) => inZone(`${zone}${i}`, zone, i < ready));

for (const { name, nodes, want } of [
  { name: "is normal while few are silent", nodes: manyNodes("a", 5, 2), want: 10_000 },
  { name: "stops when most of a small zone is silent", nodes: manyNodes("a", 2, 3), want: undefined },
  { name: "is slow when most of a large zone is silent", nodes: manyNodes("a", 20, 40), want: 100_000 },
  { name: "is normal for a zone that is down as a whole", nodes: [...manyNodes("a", 0, 5), ...manyNodes("b", 1, 0)], want: 10_000 },
  { name: "stops when every zone is down", nodes: [...manyNodes("a", 0, 2), ...manyNodes("b", 0, 2)], want: undefined },
  {
    name: "does not count nodes that are left out",
    nodes: [...manyNodes("a", 3, 2), inZone("x", "a", false, { "node.kubernetes.io/exclude-disruption": "" }), inZone("y", "a", false)],
    want: 10_000,
  },
]) {
  test(`ZoneHealth.pace() ${name}`, () => {
    const health = new ZoneHealth();
    for (const node of nodes) health.put(node);
    assert.equal(health.pace(zoneOf(nodes[0]!)).everyMs, want);
  });
}

/** The same worked out from all nodes. */
function naive(nodes: readonly Node[], zone: string): number | undefined {
  if (!nodes.some(isNodeReady)) return undefined;
  const inside = nodes.filter((node) => zoneOf(node) === zone);
  const silent = inside.filter((node) => !isNodeReady(node)).length;
  if (silent === inside.length || silent <= 2 || silent / inside.length < 0.55) return 10_000;
  return inside.length > 50 ? 100_000 : undefined;
}

const change = fc.record({ name: fc.nat(70).map(String), zone: fc.constantFrom("a", "b"), ready: fc.boolean(), gone: fc.boolean() });

test("ZoneHealth agrees with a count of all nodes after every change, and tells when a pace has changed", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const health = new ZoneHealth();
      const nodes = new Map<string, Node>();
      const paces = () => ["a", "b"].map((zone) => health.pace(`:${zone}`).everyMs);
      for (const { name, zone, ready, gone } of changes) {
        const before = paces();
        const told = gone ? health.remove(name) : health.put(inZone(name, zone, ready));
        if (gone) nodes.delete(name);
        else nodes.set(name, inZone(name, zone, ready));
        const zones = new Set([...nodes.values()].map(zoneOf));
        for (const each of zones) assert.equal(health.pace(each).everyMs, naive([...nodes.values()], each));
        if (told === undefined) assert.deepEqual(paces(), before);
      }
    }),
    { numRuns: 50 },
  );
});
