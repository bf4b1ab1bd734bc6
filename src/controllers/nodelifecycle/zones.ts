import type { Node } from "#api/core-v1/types.ts";
import { isNodeReady } from "#controllers/nodelifecycle/conditions.ts";

const UNHEALTHY_SHARE = 0.55;
const LARGE_ZONE = 50;

/** How long to wait between two nodes whose pods are driven off; `undefined`: none may be. */
export interface EvictionPace {
  readonly everyMs: number | undefined;
}

const NORMAL: EvictionPace = { everyMs: 10_000 };
const SLOW: EvictionPace = { everyMs: 100_000 };
const STOPPED: EvictionPace = { everyMs: undefined };

export function zoneOf({ metadata }: Node): string {
  const { labels = {} } = metadata;
  return `${labels["topology.kubernetes.io/region"] ?? ""}:${labels["topology.kubernetes.io/zone"] ?? ""}`;
}

/**
 * How fast a zone's silent nodes may lose their pods. When every zone is silent, the fault is more likely ours: none do.
 *
 * @see kubernetes pkg/controller/nodelifecycle handleDisruption
 */
export function evictionPace(nodes: readonly Node[], zone: string): EvictionPace {
  if (!nodes.some(isNodeReady)) return STOPPED;
  const inZone = nodes.filter((node) => zoneOf(node) === zone);
  const notReady = inZone.filter((node) => !isNodeReady(node)).length;
  if (notReady === inZone.length || notReady <= 2 || notReady / inZone.length < UNHEALTHY_SHARE) return NORMAL;
  return inZone.length > LARGE_ZONE ? SLOW : STOPPED;
}
