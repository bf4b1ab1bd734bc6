import { NODES, PODS } from "#api/builtin.ts";
import { isPodFinished, podCondition } from "#api/core-v1/pod/status.ts";
import type { Node, Pod } from "#api/core-v1/types.ts";
import { keyOf } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import { type EventRecorder, referenceTo } from "#client/event-recorder.ts";
import type { InformerFactory } from "#client/informer.ts";
import { type Clock, formatTime } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";

import { ClusterState } from "./cluster/cluster-state.ts";
import { podInfo, type PodInfo } from "./cluster/pod-info.ts";
import { DEFAULT_PROFILE } from "./default-profile.ts";
import { explain } from "./explain.ts";
import type { ClusterEvent, Refusal } from "./framework.ts";
import { nodeChanges } from "./node-changes.ts";
import { SchedulingQueue } from "./queue/scheduling-queue.ts";
import { schedulePod } from "./schedule-pod.ts";

export interface SchedulerDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
}

export const SCHEDULER_NAME = "default-scheduler";
/** Binds on their way at once: enough to fill the store's groups, few enough to stop soon. */
const MAX_BINDS_IN_FLIGHT = 256;
/** Decisions in a row before others get the thread. */
const BATCH = 64;

/** Watches for pods without a node and binds each to the one that suits it best. */
export function startScheduler(deps: SchedulerDeps): { stop(): void } {
  const scheduler = new Scheduler(deps);
  scheduler.start();
  return scheduler;
}

class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #cluster = new ClusterState();
  readonly #queue: SchedulingQueue;
  readonly #unsubscribe: (() => void)[] = [];
  #isPumping = false;
  #bindsInFlight = 0;
  #startAt = 0;
  #isStopped = false;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    this.#queue = new SchedulingQueue(deps.clock, () => this.#pump());
  }

  start(): void {
    const nodes = this.#deps.informers.informer(NODES);
    const pods = this.#deps.informers.informer(PODS);
    this.#unsubscribe.push(
      nodes.onChange({
        added: (node) => this.#setNode(node, undefined),
        updated: (node, before) => this.#setNode(node, before),
        deleted: (node) => this.#cluster.removeNode(node.metadata.name),
      }),
      pods.onChange({
        added: (pod) => this.#setPod(pod),
        updated: (pod) => this.#setPod(pod),
        deleted: (pod) => this.#removePod(pod),
      }),
    );
  }

  stop(): void {
    this.#isStopped = true;
    this.#queue.stop();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #setNode(node: Node, before: Node | undefined): void {
    this.#cluster.setNode(node);
    for (const event of nodeChanges(node, before)) this.#queue.wake(event);
  }

  #setPod(pod: Pod): void {
    const { uid, deletionTimestamp } = pod.metadata;
    if (pod.spec.nodeName) {
      this.#queue.delete(uid);
      const wasPlaced = this.#cluster.isPlaced(uid);
      this.#cluster.setPod(pod);
      if (wasPlaced && isPodFinished(pod)) this.#queue.wake("podRemoved");
      return;
    }
    const waits = pod.spec.schedulerName === SCHEDULER_NAME && !deletionTimestamp && !isPodFinished(pod) && !pod.spec.schedulingGates?.length;
    if (waits) this.#queue.set(pod);
    else this.#queue.delete(uid);
  }

  #removePod(pod: Pod): void {
    this.#queue.delete(pod.metadata.uid);
    if (!this.#cluster.isPlaced(pod.metadata.uid)) return;
    this.#cluster.removePod(pod.metadata.uid);
    this.#queue.wake("podRemoved");
  }

  /** Runs soon, once: not within the event that called, and never twice at a time. */
  #pump(): void {
    if (this.#isPumping || this.#isStopped) return;
    this.#isPumping = true;
    queueMicrotask(() => this.#runBatch());
  }

  #runBatch(): void {
    this.#isPumping = false;
    for (let i = 0; i < BATCH && !this.#isStopped; i++) {
      if (this.#bindsInFlight >= MAX_BINDS_IN_FLIGHT) return; // the end of a bind pumps again
      const queued = this.#queue.pop();
      if (queued === undefined) return;
      this.#tryOrPostpone(queued.pod);
    }
    this.#isPumping = true;
    this.#deps.clock.after(0, () => this.#runBatch());
  }

  /** One pod that we fail to understand must not keep the others waiting. */
  #tryOrPostpone(pod: Pod): void {
    try {
      this.#tryPod(pod);
    } catch (error) {
      this.#queue.failed(pod.metadata.uid);
      this.#deps.logger.error("cannot schedule a pod", { pod: keyOf(pod), error });
    }
  }

  #tryPod(pod: Pod): void {
    const info = podInfo(pod);
    const decision = schedulePod({ pod: info, cluster: this.#cluster, profile: DEFAULT_PROFILE, rng: this.#deps.rng, startAt: this.#startAt });
    if (decision.fits) {
      this.#startAt += decision.scanned;
      this.#cluster.assume(info, decision.nodeName);
      void this.#bind(info, decision.nodeName);
      return;
    }
    this.#queue.refused(info.uid, wakingEvents(decision.refusals));
    void this.#tellRefusal(pod, explain(info, decision.refusals, decision.nodeCount));
  }

  async #bind({ pod, uid }: PodInfo, nodeName: string): Promise<void> {
    const { namespace, name } = pod.metadata;
    this.#bindsInFlight++;
    try {
      const target = { apiVersion: "v1", kind: "Node", name: nodeName };
      const binding = { apiVersion: "v1", kind: "Binding", metadata: { namespace, name, uid }, target };
      await this.#deps.client.createSubresource(PODS, { namespace, name }, "binding", binding);
      this.#queue.delete(uid);
      const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
      this.#deps.recorder.record(referenceTo(PODS, pod), "Normal", "Scheduled", message, { action: "Binding" });
    } catch (error) {
      this.#unbind(pod, error);
    } finally {
      this.#bindsInFlight--;
      this.#pump();
    }
  }

  #unbind(pod: Pod, error: unknown): void {
    const { uid } = pod.metadata;
    this.#cluster.forget(uid);
    this.#queue.wake("podRemoved");
    if (isStatus(error, "NotFound")) return this.#queue.delete(uid);
    this.#queue.failed(uid);
    this.#deps.logger.warn("bind failed", { pod: keyOf(pod), error });
  }

  async #tellRefusal(pod: Pod, message: string): Promise<void> {
    const { namespace, name, generation } = pod.metadata;
    this.#deps.recorder.record(referenceTo(PODS, pod), "Warning", "FailedScheduling", message, { action: "Scheduling" });
    const told = podCondition(pod, "PodScheduled");
    if (told?.status === "False" && told.reason === "Unschedulable" && told.message === message) return;
    const lastTransitionTime = told?.status === "False" ? told.lastTransitionTime : formatTime(this.#deps.clock.now());
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message, lastTransitionTime, observedGeneration: generation };
    try {
      await this.#deps.client.patch(PODS, { namespace, name }, "strategic", { status: { conditions: [condition] } }, { subresource: "status" });
    } catch (error) {
      if (!isStatus(error, "NotFound")) this.#deps.logger.warn("cannot say why a pod has no node", { pod: keyOf(pod), error });
    }
  }
}

/** The events that help with any of the refusals; without nodes, only a node helps. */
function wakingEvents(refusals: readonly Refusal[]): ReadonlySet<ClusterEvent> {
  const refusing = new Set(refusals.map(({ plugin }) => plugin));
  const events = DEFAULT_PROFILE.filters.filter(({ name }) => refusing.has(name)).flatMap(({ wakesOn }) => wakesOn);
  return new Set<ClusterEvent>(["nodeAdded", ...events]);
}
