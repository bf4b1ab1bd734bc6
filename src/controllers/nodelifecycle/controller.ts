import { LEASES, NODES, PODS } from "#api/builtin.ts";
import type { Lease } from "#api/coordination-v1/types.ts";
import { isPodReady } from "#api/core-v1/pod/status.ts";
import type { Node, Pod } from "#api/core-v1/types.ts";
import type { ObjectKey } from "#apimachinery/object.ts";
import { referenceTo, type EventRecorder } from "#client/event-recorder.ts";
import type { Informer } from "#client/informer.ts";
import type { WorkQueue } from "#client/work-queue.ts";
import { BY_NODE } from "#controllers/common/by-node.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import {
  conditionOf,
  desiredTaints,
  hasBegunEviction,
  isNodeReady,
  MONITOR_GRACE_MS,
  silentConditions,
  STARTUP_GRACE_MS,
  taintsOf,
} from "#controllers/nodelifecycle/conditions.ts";
import { ZoneHealth, zoneOf } from "#controllers/nodelifecycle/zones.ts";
import { formatTime } from "#lib/clock.ts";

const LEASE_NAMESPACE = "kube-node-lease";

/** When we last had word of a node, by our own clock: the node's may differ. */
interface Sighting {
  readonly word: string;
  readonly atMs: number;
}

interface Context {
  readonly deps: ControllerDeps;
  readonly nodes: Informer<Node>;
  readonly leases: Informer<Lease>;
  readonly pods: Informer<Pod>;
  readonly queue: WorkQueue;
  readonly recorder: EventRecorder;
  readonly seen: Map<string, Sighting>;
  readonly zones: ZoneHealth;
  /** When the next node of a zone may lose its pods. */
  readonly nextEvictionMs: Map<string, number>;
}

/** Marks nodes whose kubelets are silent, and taints nodes by their conditions. */
export function startNodeLifecycle(deps: ControllerDeps): void {
  const context: Context = {
    deps,
    nodes: deps.informers.informer(NODES),
    leases: deps.informers.informer(LEASES, {}, { namespace: LEASE_NAMESPACE }),
    pods: deps.informers.informer(PODS, BY_NODE),
    queue: queueFor(deps, { name: "nodelifecycle", sync: (key) => sync(key, context) }),
    recorder: deps.recorderFor("node-controller"),
    seen: new Map(),
    zones: new ZoneHealth(),
    nextEvictionMs: new Map(),
  };
  const { nodes, leases, queue, recorder, seen, zones } = context;
  const enqueue = (node: Node) => {
    noteHealth(zones.put(node), node, context);
    queue.add(node.metadata.name);
  };
  nodes.onChange({
    added: (node) => {
      const { name } = node.metadata;
      tell(recorder, node, "RegisteredNode", `Node ${name} event: Registered Node ${name} in Controller`);
      enqueue(node);
    },
    updated: enqueue,
    deleted: (node) => {
      const { name } = node.metadata;
      seen.delete(name);
      noteHealth(zones.remove(name), node, context);
      tell(recorder, node, "RemovingNode", `Node ${name} event: Removing Node ${name} from Controller`);
    },
  });
  // A renewed lease only matters to a node that was given up: the others are looked at when their time has run out.
  leases.onChange({
    updated: ({ metadata }) => {
      const node = nodes.get(metadata.name);
      if (node !== undefined) see(node, context);
    },
  });
}

/** Where the pace has changed, silent nodes may be due for what was held back, or be spared what was begun. */
function noteHealth(changed: "zone" | "all" | undefined, node: Node, context: Context): void {
  if (changed === undefined) return;
  const { deps, nodes, queue, seen, zones } = context;
  const zone = zoneOf(node);
  for (const other of nodes.list()) if (!isNodeReady(other) && (changed === "all" || zoneOf(other) === zone)) queue.add(other.metadata.name);
  // When we could hear nobody, the time of our own deafness does not count against the nodes.
  if (changed === "all" && !zones.isAllDown) for (const [name, { word }] of seen) seen.set(name, { word, atMs: deps.clock.monotonic() });
}

/** Notes that a node has given a sign of life. */
function see(node: Node, { deps, leases, seen }: Context): Sighting {
  const { name } = node.metadata;
  const word = `${leases.get(`${LEASE_NAMESPACE}/${name}`)?.spec?.renewTime ?? ""}|${conditionOf(node, "Ready")?.lastHeartbeatTime ?? ""}`;
  const before = seen.get(name);
  if (before?.word === word) return before;
  const sighting = { word, atMs: deps.clock.monotonic() };
  seen.set(name, sighting);
  return sighting;
}

async function sync(key: ObjectKey, context: Context): Promise<void> {
  const { deps, nodes, queue, recorder } = context;
  const { client, clock } = deps;
  let node = nodes.get(key);
  if (node === undefined || node.metadata.deletionTimestamp !== undefined) return;
  const before = node;
  const graceMs = conditionOf(node, "Ready") === undefined ? STARTUP_GRACE_MS : MONITOR_GRACE_MS;
  const leftMs = see(node, context).atMs + graceMs - clock.monotonic();
  if (leftMs > 0) queue.addAfter(key, leftMs);
  else {
    const conditions = silentConditions(node, clock.now());
    if (conditions !== node.status?.conditions) node = await client.updateStatus(NODES, { ...node, status: { ...node.status, conditions } });
    if (isNodeReady(before)) tell(recorder, node, "NodeNotReady", `Node ${key} status is now: NodeNotReady`);
  }
  await taint(node, context);
  // A kubelet that says itself that it is not ready still tells of its pods.
  if (conditionOf(node, "Ready")?.status === "Unknown") await markPods(node, context);
}

async function taint(node: Node, { deps, queue, zones, nextEvictionMs }: Context): Promise<void> {
  const { client, clock } = deps;
  const zone = zoneOf(node);
  const { everyMs } = zones.pace(zone);
  const waitMs = (nextEvictionMs.get(zone) ?? 0) - clock.monotonic();
  const eviction = zones.isAllDown ? "withdrawn" : everyMs !== undefined && waitMs <= 0 ? "allowed" : "held";
  const taints = desiredTaints(node, eviction, clock.now());
  const before = taintsOf(node);
  if (taints !== before) {
    const isEvicting = hasBegunEviction(taints) && !hasBegunEviction(before);
    if (isEvicting && everyMs !== undefined) nextEvictionMs.set(zone, clock.monotonic() + everyMs);
    const { resourceVersion, name } = node.metadata;
    await client.patch(NODES, { name }, "merge", { metadata: { resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } });
  }
  if (everyMs !== undefined && waitMs > 0 && !isNodeReady(node)) queue.addAfter(node.metadata.name, waitMs);
}

/** Services must not send to pods of whose node nothing is heard. */
async function markPods(node: Node, { deps, pods, recorder }: Context): Promise<void> {
  const { client, clock } = deps;
  for (const pod of pods.byIndex("node", node.metadata.name)) {
    if (!isPodReady(pod)) continue;
    const conditions = (pod.status?.conditions ?? []).map((condition) =>
      condition.type === "Ready" ? { ...condition, status: "False", lastTransitionTime: formatTime(clock.now()) } : condition,
    );
    try {
      await client.updateStatus(PODS, { ...pod, status: { ...pod.status, conditions } });
      recorder.record(referenceTo(PODS, pod), "Warning", "NodeNotReady", "Node is not ready");
    } catch (error) {
      ignoreNotFound(error);
    }
  }
}

/** Events on nodes carry no version: they are about the machine. */
function tell(recorder: EventRecorder, node: Node, reason: string, message: string): void {
  const { name, uid } = node.metadata;
  recorder.record({ kind: "Node", apiVersion: "v1", name, ...(uid !== undefined && { uid }) }, "Normal", reason, message);
}
