import type { Node } from "#api/core-v1/types.ts";
import { isNodeReady } from "#controllers/nodelifecycle/conditions.ts";

const UNHEALTHY_SHARE = 0.55;
const LARGE_ZONE = 50;
const EXCLUDED = "node.kubernetes.io/exclude-disruption";

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

interface Counts {
  readonly ready: number;
  readonly notReady: number;
}

/** How many nodes of each zone are ready, kept as nodes change: one change costs the same in a cluster of any size. */
export class ZoneHealth {
  readonly #nodes = new Map<string, { readonly zone: string; readonly isReady: boolean }>();
  readonly #zones = new Map<string, Counts>();
  #ready = 0;

  /** @returns whether nodes may now lose their pods at another pace than before: in the node's zone, or everywhere */
  put(node: Node): "zone" | "all" | undefined {
    const { name, labels = {} } = node.metadata;
    // Nodes may be left out of the count, for those that come and go by design.
    if (labels[EXCLUDED] !== undefined) return this.remove(name);
    return this.#change(name, { zone: zoneOf(node), isReady: isNodeReady(node) });
  }

  remove(name: string): "zone" | "all" | undefined {
    return this.#change(name, undefined);
  }

  /** Whether no node at all is ready: then the fault is more likely ours than theirs. */
  get isAllDown(): boolean {
    return this.#ready === 0;
  }

  /**
   * How fast a zone's silent nodes may lose their pods.
   *
   * @see kubernetes pkg/controller/nodelifecycle handleDisruption
   */
  pace(zone: string): EvictionPace {
    return this.isAllDown ? STOPPED : paceOf(this.#zones.get(zone) ?? { ready: 0, notReady: 0 });
  }

  #change(name: string, after: { readonly zone: string; readonly isReady: boolean } | undefined): "zone" | "all" | undefined {
    const before = this.#nodes.get(name);
    if (before?.zone === after?.zone && before?.isReady === after?.isReady) return undefined;
    const zones = [...new Set([before?.zone, after?.zone])].filter((zone) => zone !== undefined);
    const paces = () => [this.isAllDown, ...zones.map((zone) => this.pace(zone))];
    const [wasAllDown, ...pacesBefore] = paces();
    if (before !== undefined) this.#count(before, -1);
    if (after !== undefined) this.#count(after, 1);
    if (after === undefined) this.#nodes.delete(name);
    else this.#nodes.set(name, after);
    const [isAllDown, ...pacesAfter] = paces();
    if (wasAllDown !== isAllDown) return "all";
    return pacesAfter.some((pace, i) => pace !== pacesBefore[i]) ? "zone" : undefined;
  }

  #count({ zone, isReady }: { readonly zone: string; readonly isReady: boolean }, by: 1 | -1): void {
    const { ready, notReady } = this.#zones.get(zone) ?? { ready: 0, notReady: 0 };
    const counts = isReady ? { ready: ready + by, notReady } : { ready, notReady: notReady + by };
    if (counts.ready + counts.notReady === 0) this.#zones.delete(zone);
    else this.#zones.set(zone, counts);
    if (isReady) this.#ready += by;
  }
}

/** A zone that is down as a whole is treated as any other: it is other zones that show that we can hear nodes at all. */
function paceOf({ ready, notReady }: Counts): EvictionPace {
  if (ready === 0 || notReady <= 2 || notReady / (ready + notReady) < UNHEALTHY_SHARE) return NORMAL;
  return ready + notReady > LARGE_ZONE ? SLOW : STOPPED;
}
