import { isDeepStrictEqual } from "node:util";

import { NODES, PODS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { keyOf, type ObjectKey } from "#apimachinery/object.ts";
import { referenceTo } from "#client/event-recorder.ts";
import { BY_NODE } from "#controllers/common/by-node.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { evictionTimeMs } from "#controllers/tainteviction/reconcile.ts";
import { formatTime } from "#lib/clock.ts";

/** Deletes pods that do not tolerate their node's NoExecute taints, each when its time is up. */
export function startTaintEviction(deps: ControllerDeps): void {
  const { client, clock, informers } = deps;
  const nodes = informers.informer(NODES);
  const pods = informers.informer(PODS, BY_NODE);
  const recorder = deps.recorderFor("taint-eviction-controller");
  /** Pods that were told to leave, by uid, so that they can be told when they need not. */
  const leaving = new Set<string>();
  const sync = async (key: ObjectKey) => {
    const pod = pods.get(key);
    const node = pod?.spec.nodeName ? nodes.get(pod.spec.nodeName) : undefined;
    if (pod === undefined || node === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const uid = pod.metadata.uid ?? "";
    const dueMs = evictionTimeMs(pod, node, clock.now());
    if (dueMs === undefined) {
      if (leaving.delete(uid)) recorder.record(referenceTo(PODS, pod), "Normal", "TaintManagerEviction", `Cancelling deletion of Pod ${key}`);
      return;
    }
    leaving.add(uid);
    const waitMs = dueMs - clock.now();
    if (waitMs > 0) return queue.addAfter(key, waitMs);
    await evict(pod);
    leaving.delete(uid);
  };
  const evict = async (pod: Pod) => {
    recorder.record(referenceTo(PODS, pod), "Normal", "TaintManagerEviction", `Marking for deletion Pod ${keyOf(pod)}`);
    const message = "Taint manager: deleting due to NoExecute taint";
    const condition = { type: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager", message, lastTransitionTime: formatTime(clock.now()) };
    try {
      await client.patch(
        PODS,
        pod.metadata,
        "strategic",
        { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } },
        { subresource: "status" },
      );
      await client.delete(PODS, pod.metadata, { preconditions: { uid: pod.metadata.uid ?? "" } });
    } catch (error) {
      ignoreNotFound(error);
    }
  };
  const queue = queueFor(deps, { name: "tainteviction", sync });
  const isTainted = ({ spec }: Pod) => nodes.get(spec.nodeName ?? "")?.spec?.taints?.some(({ effect }) => effect === "NoExecute") ?? false;
  const look = (pod: Pod) => {
    if (isTainted(pod)) queue.add(keyOf(pod));
  };
  pods.onChange({ added: look, updated: look, deleted: ({ metadata }) => void leaving.delete(metadata.uid ?? "") });
  const lookAtAll = (name: string) => pods.byIndex("node", name).forEach((pod) => queue.add(keyOf(pod)));
  nodes.onChange({
    added: ({ metadata, spec }) => {
      if (spec?.taints !== undefined) lookAtAll(metadata.name);
    },
    updated: ({ metadata, spec }, before) => {
      if (!isDeepStrictEqual(spec?.taints, before.spec?.taints)) lookAtAll(metadata.name);
    },
  });
}
