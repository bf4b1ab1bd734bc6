import type { Node } from "#api/core-v1/types.ts";

import type { ClusterEvent } from "./framework.ts";

/** What a node's new state may mean for pods that wait. */
export function nodeChanges(node: Node, before: Node | undefined): ClusterEvent[] {
  if (before === undefined) return ["nodeAdded"];
  const events: ClusterEvent[] = [];
  if (!sameMap(node.status.allocatable, before.status.allocatable)) events.push("nodeAllocatable");
  if (!sameMap(node.metadata.labels, before.metadata.labels)) events.push("nodeLabels");
  if (JSON.stringify(node.spec.taints ?? []) !== JSON.stringify(before.spec.taints ?? [])) events.push("nodeTaints");
  if (Boolean(node.spec.unschedulable) !== Boolean(before.spec.unschedulable)) events.push("nodeUnschedulable");
  return events;
}

function sameMap(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
