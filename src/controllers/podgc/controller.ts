import { NODES, PODS } from "#api/builtin.ts";
import { isPodFinished } from "#api/core-v1/pod/status.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { keyOf, type ObjectKey } from "#apimachinery/object.ts";
import type { Client } from "#client/client.ts";
import { BY_NODE } from "#controllers/common/by-node.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { inCollectionOrder, isOutOfService, whyCollect, withDisruption } from "#controllers/podgc/reconcile.ts";

const MAX_FINISHED = 12_500;
/** A node may be deleted and registered again: its pods get this long. */
const QUARANTINE_MS = 40_000;

const INDEXES = { ...BY_NODE, finished: (pod: Pod) => (isPodFinished(pod) ? ["yes"] : []) };

/** Deletes pods that nobody else will: on nodes that are gone, unscheduled and leaving, and the oldest of too many finished ones. */
export function startPodGc(deps: ControllerDeps, maxFinished = MAX_FINISHED): void {
  const { client, clock, informers } = deps;
  const nodes = informers.informer(NODES);
  const pods = informers.informer(PODS, INDEXES);
  /** Since when a node that pods name is known to be missing. */
  const goneSinceMs = new Map<string, number>();
  const sync = async (key: ObjectKey) => {
    const pod = pods.get(key);
    if (pod === undefined) return;
    const node = pod.spec.nodeName ? nodes.get(pod.spec.nodeName) : undefined;
    const reason = whyCollect(pod, node);
    if (reason === undefined) return;
    if (reason === "nodeGone") {
      const sinceMs = goneSinceMs.get(pod.spec.nodeName!) ?? clock.monotonic();
      goneSinceMs.set(pod.spec.nodeName!, sinceMs);
      const leftMs = sinceMs + QUARANTINE_MS - clock.monotonic();
      if (leftMs > 0) return queue.addAfter(key, leftMs);
      if (await nodeExists(client, pod.spec.nodeName!)) return; // our cache lags: the node's coming will be heard of
    }
    await collect(client, withDisruption(pod, reason, clock.now()), pod);
  };
  const trim = async () => {
    const finished = pods.byIndex("finished", "yes");
    if (finished.length <= maxFinished) return;
    for (const pod of inCollectionOrder(finished).slice(0, finished.length - maxFinished)) await collect(client, pod, pod);
  };
  const queue = queueFor(deps, { name: "podgc", sync });
  const trimQueue = queueFor(deps, { name: "podgc-finished", sync: trim, workers: 1 });
  const look = (pod: Pod) => {
    if (whyCollect(pod, pod.spec.nodeName ? nodes.get(pod.spec.nodeName) : undefined) !== undefined) queue.add(keyOf(pod));
    if (isPodFinished(pod)) trimQueue.add("all");
  };
  const forgetNode = (nodeName: string) => {
    if (nodes.get(nodeName) !== undefined || pods.byIndex("node", nodeName).length === 0) goneSinceMs.delete(nodeName);
  };
  pods.onChange({ added: look, updated: look, deleted: ({ spec }) => forgetNode(spec.nodeName ?? "") });
  const lookAtPods = (nodeName: string) => pods.byIndex("node", nodeName).forEach((pod) => queue.add(keyOf(pod)));
  nodes.onChange({
    added: ({ metadata }) => forgetNode(metadata.name),
    updated: (node, before) => {
      if (isOutOfService(node) && !isOutOfService(before)) lookAtPods(node.metadata.name);
    },
    deleted: ({ metadata }) => lookAtPods(metadata.name),
  });
}

async function nodeExists(client: Client, name: string): Promise<boolean> {
  try {
    await client.get(NODES, { name });
    return true;
  } catch (error) {
    ignoreNotFound(error);
    return false;
  }
}

/** Says in the status why, then deletes without grace: there is no kubelet to wait for. */
async function collect(client: Client, told: Pod, pod: Pod): Promise<void> {
  const { uid = "" } = pod.metadata;
  try {
    if (told !== pod) await client.updateStatus(PODS, told);
    await client.delete(PODS, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    ignoreNotFound(error);
  }
}
