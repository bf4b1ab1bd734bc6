import { NODES, PODS } from "#api/builtin.ts";
import { isPodFinished } from "#api/core-v1/pod/status.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { keyOf, type ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { whyCollect, withDisruption } from "#controllers/podgc/reconcile.ts";

const MAX_FINISHED = 12_500;
/** A node may be deleted and registered again: its pods get this long. */
const QUARANTINE_MS = 40_000;

const INDEXES = {
  node: ({ spec }: Pod) => (spec.nodeName ? [spec.nodeName] : []),
  finished: (pod: Pod) => (isPodFinished(pod) ? ["yes"] : []),
};

/** Deletes pods that nobody else will: on nodes that are gone, unscheduled and leaving, and the oldest of too many finished ones. */
export function startPodGc(deps: ControllerDeps): void {
  const { client, clock, informers } = deps;
  const nodes = informers.informer(NODES);
  const pods = informers.informer(PODS, INDEXES);
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
    }
    await collect(client, withDisruption(pod, reason, clock.now()), pod);
  };
  const trim = async () => {
    const finished = pods.byIndex("finished", "yes");
    if (finished.length <= MAX_FINISHED) return;
    const oldest = [...finished].sort((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1));
    for (const pod of oldest.slice(0, finished.length - MAX_FINISHED)) await collect(client, pod, pod);
  };
  const queue = queueFor(deps, { name: "podgc", sync });
  const trimQueue = queueFor(deps, { name: "podgc-finished", sync: trim, workers: 1 });
  const look = (pod: Pod) => {
    if (whyCollect(pod, pod.spec.nodeName ? nodes.get(pod.spec.nodeName) : undefined) !== undefined) queue.add(keyOf(pod));
    if (isPodFinished(pod)) trimQueue.add("all");
  };
  pods.onChange({ added: look, updated: look });
  const lookAtPods = (nodeName: string) => pods.byIndex("node", nodeName).forEach((pod) => queue.add(keyOf(pod)));
  nodes.onChange({
    added: ({ metadata }) => void goneSinceMs.delete(metadata.name),
    updated: ({ metadata, spec }, before) => {
      if (spec?.taints !== before.spec?.taints) lookAtPods(metadata.name);
    },
    deleted: ({ metadata }) => {
      goneSinceMs.set(metadata.name, clock.monotonic());
      lookAtPods(metadata.name);
    },
  });
}

/** Says in the status why, then deletes without grace: there is no kubelet to wait for. */
async function collect(client: Client, told: Pod, pod: Pod): Promise<void> {
  const { uid = "" } = pod.metadata;
  try {
    if (told !== pod) await client.updateStatus(PODS, told);
    await client.delete(PODS, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    if (!isStatus(error, "NotFound")) throw error;
  }
}
