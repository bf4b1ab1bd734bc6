import { NODES, LEASES, PODS } from "#api/builtin.ts";
import type { Lease } from "#api/coordination-v1/types.ts";
import { isPodFinished } from "#api/core-v1/pod/status.ts";
import type { Node, Pod } from "#api/core-v1/types.ts";
import type { Draft } from "#apimachinery/object.ts";
import { keyOf, type ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { Client } from "#client/client.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import type { Informer } from "#client/informer.ts";
import { WorkQueue } from "#client/work-queue.ts";
import { formatMicroTime, formatTime } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";
import type { SimClock } from "#lib/sim-clock.ts";
import { sameJson } from "#lib/same-json.ts";

import type { Link, SimNetwork } from "./sim-network.ts";
import { between, SimProcess } from "./sim-process.ts";

export const BROKEN_IMAGE = "app:broken";
const LEASE_NAMESPACE = "kube-node-lease";
const PERIOD_MS = 20_000;
const HEARTBEAT_MS = 300_000;
const MAX_RETRY_MS = 8_000;

export interface SimNodeOptions {
  readonly name: string;
  readonly index: number;
  readonly zone: string;
  readonly cpu: string;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly rng: Rng;
  readonly logger: Logger;
  /** Told when a pod's containers start and when they are gone. */
  readonly runs: (uid: string, node: string, isRunning: boolean) => void;
}

/** A pod's containers: they belong to the machine, and outlive its kubelet. */
interface Running {
  readonly uid: string;
  readonly key: ObjectKey;
  readonly ip: string;
  readonly startedMs: number;
  isReady: boolean;
  readySinceMs: number;
  restarts: number;
  isStopping: boolean;
}

/** A machine with a modelled kubelet: pods start, become ready, fail and end after simulated times. */
export class SimNode {
  readonly name: string;
  readonly #options: SimNodeOptions;
  readonly #running = new Map<string, Running>();
  #machine: SimProcess;
  #kubelet: Kubelet | undefined;
  #isPartitioned = false;
  #addresses = 0;

  constructor(options: SimNodeOptions) {
    this.name = options.name;
    this.#options = options;
    this.#machine = new SimProcess(options.clock);
    this.restartKubelet();
  }

  get isUp(): boolean {
    return this.#machine.isAlive && !this.#isPartitioned;
  }

  /** Uids of pods whose containers run here. */
  get pods(): readonly string[] {
    return [...this.#running.keys()];
  }

  restartKubelet(): void {
    if (!this.#machine.isAlive) return;
    this.#kubelet?.process.kill();
    const process = new SimProcess(this.#options.clock);
    this.#kubelet = new Kubelet(this, process, this.#options);
    this.#kubelet.link.cut(this.#isPartitioned);
  }

  /** Nobody hears of it any more, but its containers run on. */
  partition(isPartitioned: boolean): void {
    this.#isPartitioned = isPartitioned;
    this.#kubelet?.link.cut(isPartitioned);
  }

  powerOff(): void {
    this.#machine.kill();
    this.#kubelet?.process.kill();
    for (const uid of this.#running.keys()) this.#options.runs(uid, this.name, false);
    this.#running.clear();
  }

  powerOn(): void {
    if (this.#machine.isAlive) return;
    this.#machine = new SimProcess(this.#options.clock);
    this.restartKubelet();
  }

  get(uid: string): Running | undefined {
    return this.#running.get(uid);
  }

  /** Pulls the image and starts the containers; they are ready some time later, if they are any good. */
  run(pod: Pod): void {
    const { rng, index, runs } = this.#options;
    const { clock } = this.#machine;
    const uid = pod.metadata.uid ?? "";
    clock.after(between(rng, 50, 3_000), () => {
      if (this.#running.has(uid)) return;
      const ip = `10.42.${index}.${2 + (this.#addresses++ % 250)}`;
      const startedMs = clock.now();
      this.#running.set(uid, { uid, key: keyOf(pod), ip, startedMs, isReady: false, readySinceMs: startedMs, restarts: 0, isStopping: false });
      runs(uid, this.name, true);
      this.#kubelet?.look(keyOf(pod));
      if (pod.spec.containers[0]?.image !== BROKEN_IMAGE) this.#becomesReady(uid, between(rng, 50, 4_000));
    });
  }

  stop(uid: string): void {
    const running = this.#running.get(uid);
    if (running === undefined || running.isStopping) return;
    running.isStopping = true;
    this.#machine.clock.after(between(this.#options.rng, 20, 6_000), () => {
      this.#running.delete(uid);
      this.#options.runs(uid, this.name, false);
      this.#kubelet?.look(running.key);
    });
  }

  /** A container dies and is started again, or only fails its probe. */
  hurt(uid: string, how: "crash" | "unready", forMs: number): void {
    const running = this.#running.get(uid);
    if (running === undefined || running.isStopping || !running.isReady) return;
    if (how === "crash") running.restarts++;
    this.#setReady(running, false);
    this.#becomesReady(uid, forMs);
  }

  /** The kubelet drives a pod off for want of memory. */
  evict(uid: string): void {
    const running = this.#running.get(uid);
    if (running !== undefined && !running.isStopping) this.#kubelet?.fail(running.key, uid);
  }

  #becomesReady(uid: string, afterMs: number): void {
    this.#machine.clock.after(afterMs, () => {
      const running = this.#running.get(uid);
      if (running !== undefined && !running.isStopping) this.#setReady(running, true);
    });
  }

  #setReady(running: Running, isReady: boolean): void {
    if (running.isReady === isReady) return;
    running.isReady = isReady;
    running.readySinceMs = this.#machine.clock.now();
    this.#kubelet?.look(running.key);
  }
}

/** One life of a node's kubelet. */
class Kubelet {
  readonly process: SimProcess;
  readonly link: Link;
  readonly #node: SimNode;
  readonly #options: SimNodeOptions;
  readonly #client: Client;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #starting = new Set<string>();
  readonly #failed = new Set<string>();
  #heartbeatMs = -Infinity;
  #isLooking = false;

  constructor(node: SimNode, process: SimProcess, options: SimNodeOptions) {
    this.#node = node;
    this.process = process;
    this.#options = options;
    const { network, rng, logger, name } = options;
    const { clock } = process;
    const user = { name: `system:node:${name}`, uid: "", groups: ["system:nodes", "system:authenticated"], extra: {} };
    this.link = network.link(process, user, "kubelet");
    this.#client = new Client(this.link, "kubelet");
    const informers = new SharedInformerFactory({ client: this.#client, clock, rng, logger });
    this.#pods = informers.informer(PODS, {}, { fieldSelector: `spec.nodeName=${name}` });
    const sync = async (key: ObjectKey) => {
      await informers.synced();
      await this.#sync(key);
    };
    this.#queue = new WorkQueue({ name: `kubelet ${name}`, sync, clock, rng, logger, maxRetryMs: MAX_RETRY_MS });
    const look = (pod: Pod) => this.look(keyOf(pod));
    this.#pods.onChange({ added: look, updated: look, deleted: look });
    void informers.synced().then(() => this.#sweep());
    void this.#beat();
    clock.every(PERIOD_MS, () => void this.#beat());
  }

  look(key: ObjectKey): void {
    if (this.process.isAlive) this.#queue.add(key);
  }

  fail(key: ObjectKey, uid: string): void {
    this.#failed.add(uid);
    this.look(key);
  }

  /** Containers of pods that went while no kubelet looked. */
  #sweep(): void {
    for (const uid of this.#node.pods) if (!this.#pods.list().some(({ metadata }) => metadata.uid === uid)) this.#node.stop(uid);
  }

  async #sync(key: ObjectKey): Promise<void> {
    const pod = this.#pods.get(key);
    for (const uid of this.#node.pods) if (this.#node.get(uid)?.key === key && uid !== pod?.metadata.uid) this.#node.stop(uid);
    if (pod === undefined) return;
    const { uid = "", deletionTimestamp } = pod.metadata;
    const running = this.#node.get(uid);
    const isOver = deletionTimestamp !== undefined || isPodFinished(pod) || this.#failed.has(uid);
    if (isOver) {
      if (this.#failed.has(uid) && !isPodFinished(pod)) await this.#write(pod, { phase: "Failed", reason: "Evicted", message: "The node was low on memory." });
      if (running !== undefined) return this.#node.stop(uid);
      if (deletionTimestamp !== undefined) await this.#client.delete(PODS, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid } }).catch(ignoreGone);
      return;
    }
    if (running !== undefined) return this.#write(pod, this.#statusOf(pod, running));
    if (this.#starting.has(uid)) return;
    this.#starting.add(uid);
    this.#node.run(pod);
  }

  #statusOf({ spec }: Pod, { ip, startedMs, isReady, readySinceMs, restarts }: Running): WantedStatus {
    const status = isReady ? "True" : "False";
    const condition = (type: string) => ({ type, status, lastTransitionTime: formatTime(readySinceMs) });
    const [{ name = "main", image = "" } = {}] = spec.containers;
    const container = { name, image, imageID: image, ready: isReady, restartCount: restarts, state: { running: { startedAt: formatTime(startedMs) } } };
    return {
      phase: "Running",
      podIP: ip,
      podIPs: [{ ip }],
      startTime: formatTime(startedMs),
      conditions: [condition("Ready"), condition("ContainersReady")],
      containerStatuses: [container],
    };
  }

  /** Only what differs from what the API shows is written; another's change in between means to look again. */
  async #write(pod: Pod, { conditions = [], ...wanted }: WantedStatus): Promise<void> {
    const now = (pod.status ?? {}) as Record<string, unknown>;
    const before = pod.status?.conditions ?? [];
    const isThere = conditions.every(({ type, status }) => before.some((condition) => condition.type === type && condition.status === status));
    if (isThere && Object.entries(wanted).every(([field, value]) => sameJson(now[field], value))) return;
    const kept = before.filter(({ type }) => !conditions.some((condition) => condition.type === type));
    const { uid, resourceVersion } = pod.metadata;
    const body = { metadata: { uid, resourceVersion }, status: { ...wanted, conditions: [...kept, ...conditions] } };
    await this.#client.patch(PODS, pod.metadata, "merge", body, { subresource: "status" }).catch(ignoreGone);
  }

  /** The lease, and the node's own object. */
  async #beat(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#register();
      await this.#renewLease();
    } catch (error) {
      this.#options.logger.debug("kubelet cannot report", { node: this.#node.name, error });
    } finally {
      this.#isLooking = false;
    }
  }

  async #register(): Promise<void> {
    const { name, zone, cpu } = this.#options;
    const nowMs = this.process.clock.now();
    let node: Node | undefined;
    try {
      node = await this.#client.get(NODES, { name });
    } catch (error) {
      if (!isStatus(error, "NotFound")) throw error;
      const labels = { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone };
      node = await this.#client.create(NODES, { metadata: { name, labels } } as unknown as Draft<Node>);
      this.#heartbeatMs = -Infinity;
    }
    const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
    if (ready?.status === "True" && nowMs - this.#heartbeatMs < HEARTBEAT_MS) return;
    const lastTransitionTime = ready?.status === "True" ? ready.lastTransitionTime : formatTime(nowMs);
    const condition = { type: "Ready", status: "True", reason: "KubeletReady", message: "", lastHeartbeatTime: formatTime(nowMs), lastTransitionTime };
    const quantities = { cpu, memory: "4Gi", pods: "12" };
    const body = { status: { capacity: quantities, allocatable: quantities, conditions: [condition] } };
    await this.#client.patch(NODES, { name }, "strategic", body, { subresource: "status" });
    this.#heartbeatMs = nowMs;
  }

  async #renewLease(): Promise<void> {
    const { name } = this.#options;
    const ref = { namespace: LEASE_NAMESPACE, name };
    const renewTime = formatMicroTime(this.process.clock.now());
    try {
      await this.#client.patch(LEASES, ref, "merge", { spec: { renewTime } });
    } catch (error) {
      if (!isStatus(error, "NotFound")) throw error;
      const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
      await this.#client.create(LEASES, { metadata: ref, spec } as unknown as Draft<Lease>);
    }
  }
}

interface WantedStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly lastTransitionTime: string }[];
  readonly [field: string]: unknown;
}

function ignoreGone(error: unknown): void {
  if (!isStatus(error, "NotFound")) throw error;
}
