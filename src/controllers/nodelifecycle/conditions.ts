import type { Node, NodeCondition, Taint } from "#api/core-v1/types.ts";
import { formatTime } from "#lib/clock.ts";

/** @see kubernetes pkg/controller/nodelifecycle, defaults of v1.35 */
export const MONITOR_GRACE_MS = 50_000;
export const STARTUP_GRACE_MS = 60_000;

const MONITORED = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

/** The condition, the status in which it taints, and the taint. */
const BY_CONDITION: readonly (readonly [string, string, string])[] = [
  ["Ready", "False", NOT_READY],
  ["Ready", "Unknown", UNREACHABLE],
  ["MemoryPressure", "True", "node.kubernetes.io/memory-pressure"],
  ["DiskPressure", "True", "node.kubernetes.io/disk-pressure"],
  ["NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"],
  ["PIDPressure", "True", "node.kubernetes.io/pid-pressure"],
];

export function conditionOf({ status }: Node, type: string): NodeCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

export const isNodeReady = (node: Node) => conditionOf(node, "Ready")?.status === "True";

const NO_TAINTS: readonly Taint[] = [];

/** The same array for all nodes without taints, so that it can be told that nothing is to change. */
export const taintsOf = ({ spec }: Node) => spec?.taints ?? NO_TAINTS;

/** The conditions of a node whose kubelet has fallen silent; the same array when they say so already. */
export function silentConditions(node: Node, nowMs: number): readonly NodeCondition[] {
  const before = node.status?.conditions ?? [];
  const time = formatTime(nowMs);
  const silent = MONITORED.flatMap((type): NodeCondition[] => {
    const old = conditionOf(node, type);
    const base = { type, status: "Unknown", lastTransitionTime: time };
    if (old === undefined) {
      const lastHeartbeatTime = node.metadata.creationTimestamp;
      return [
        {
          ...base,
          ...(lastHeartbeatTime !== undefined && { lastHeartbeatTime }),
          reason: "NodeStatusNeverUpdated",
          message: "Kubelet never posted node status.",
        },
      ];
    }
    return old.status === "Unknown" ? [] : [{ ...old, ...base, reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." }];
  });
  if (silent.length === 0) return before;
  const merged = before.map((condition) => silent.find(({ type }) => type === condition.type) ?? condition);
  return [...merged, ...silent.filter(({ type }) => !before.some((condition) => condition.type === type))];
}

/**
 * The taints a node ought to carry; the same array when it has them.
 *
 * @param eviction `allowed`: pods may be driven off; `held`: those of nodes where it has begun, but no others; `withdrawn`: none,
 *   and where it has begun it is taken back
 */
export function desiredTaints(node: Node, eviction: Eviction, nowMs: number): readonly Taint[] {
  const before = taintsOf(node);
  const wanted = wantedTaints(node, eviction, before);
  const isOurs = ({ key, effect }: Taint) => (effect === "NoSchedule" && SCHEDULE_KEYS.has(key)) || (effect === "NoExecute" && EXECUTE_KEYS.has(key));
  const isSame = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect;
  const kept = before.filter((taint) => !isOurs(taint) || wanted.some((other) => isSame(other, taint)));
  const added = wanted.filter((taint) => !before.some((other) => isSame(other, taint)));
  return kept.length === before.length && added.length === 0 ? before : [...kept, ...added.map((taint) => ({ ...taint, timeAdded: formatTime(nowMs) }))];
}

/** Whether the node's silence already drives pods off. */
export function hasBegunEviction(taints: readonly Taint[]): boolean {
  return taints.some(({ key, effect }) => effect === "NoExecute" && EXECUTE_KEYS.has(key));
}

export type Eviction = "allowed" | "held" | "withdrawn";

const SCHEDULE_KEYS = new Set([...BY_CONDITION.map(([, , key]) => key), UNSCHEDULABLE]);
const EXECUTE_KEYS = new Set([NOT_READY, UNREACHABLE]);

function wantedTaints(node: Node, eviction: Eviction, before: readonly Taint[]): readonly Taint[] {
  // A node that has said nothing yet keeps what it was registered with.
  const isSilentYet = conditionOf(node, "Ready") === undefined;
  const schedule = BY_CONDITION.filter(([type, status]) => conditionOf(node, type)?.status === status).map(([, , key]) => key);
  const registered = isSilentYet ? before.filter(({ key, effect }) => effect === "NoSchedule" && key === NOT_READY).map(({ key }) => key) : [];
  const unschedulable = node.spec?.unschedulable ? [UNSCHEDULABLE] : [];
  // From silent to unready, or back: what has begun goes on, with no new wait.
  const mayExecute = eviction === "allowed" || (eviction === "held" && hasBegunEviction(before));
  const execute = schedule.filter((key) => EXECUTE_KEYS.has(key) && mayExecute);
  return [
    ...[...schedule, ...registered, ...unschedulable].map((key) => ({ key, effect: "NoSchedule" })),
    ...execute.map((key) => ({ key, effect: "NoExecute" })),
  ];
}
