import { LEASES, NODES, PODS } from "#api/builtin.ts";
import type { Lease } from "#api/coordination-v1/types.ts";
import { isPodReady } from "#api/core-v1/pod/status.ts";
import type { Node, Pod } from "#api/core-v1/types.ts";
import type { ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { referenceTo, type EventRecorder } from "#client/event-recorder.ts";
import type { Informer } from "#client/informer.ts";
import type { WorkQueue } from "#client/work-queue.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { conditionOf, desiredTaints, isNodeReady, MONITOR_GRACE_MS, silentConditions, STARTUP_GRACE_MS } from "#controllers/nodelifecycle/conditions.ts";
import { evictionPace, zoneOf } from "#controllers/nodelifecycle/zones.ts";
import { formatTime } from "#lib/clock.ts";

const LEASE_NAMESPACE = "kube-node-lease";
const BY_NODE = { node: ({ spec }: Pod) => (spec.nodeName ? [spec.nodeName] : []) };

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
    nextEvictionMs: new Map(),
  };
  const { nodes, leases, queue, recorder, seen } = context;
  const enqueue = ({ metadata }: Node) => queue.add(metadata.name);
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
  if (conditionOf(node, "Ready") !== undefined && !isNodeReady(node)) await markPods(node, context);
}

async function taint(node: Node, { deps, nodes, queue, nextEvictionMs }: Context): Promise<void> {
  const { client, clock } = deps;
  const zone = zoneOf(node);
  const { everyMs } = evictionPace(nodes.list(), zone);
  const waitMs = (nextEvictionMs.get(zone) ?? 0) - clock.monotonic();
  const taints = desiredTaints(node, everyMs !== undefined && waitMs <= 0, clock.now());
  const before = node.spec?.taints ?? [];
  if (taints !== before) {
    const isEvicting = taints.some(({ key, effect }) => effect === "NoExecute" && !before.some((old) => old.key === key && old.effect === effect));
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
      if (!isStatus(error, "NotFound")) throw error;
    }
  }
}

/** Events on nodes carry no version: they are about the machine. */
function tell(recorder: EventRecorder, node: Node, reason: string, message: string): void {
  const { name, uid } = node.metadata;
  recorder.record({ kind: "Node", apiVersion: "v1", name, ...(uid !== undefined && { uid }) }, "Normal", reason, message);
}
