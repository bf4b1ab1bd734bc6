import { isDeepStrictEqual } from "node:util";

import { LEASES, NODES } from "#api/builtin.ts";
import type { Node, NodeStatus } from "#api/core-v1/types.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import type { EventRecorder } from "#client/event-recorder.ts";
import type { Runtime } from "#kubelet/cri/runtime.ts";
import type { Image } from "#kubelet/cri/types.ts";
import { type Clock, formatMicroTime, sleep, type Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

import type { Machine } from "./machine.ts";
import { nodeStatus } from "./node-status.ts";

export interface NodeAgentOptions {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly kubeletPort: number;
  readonly kubeletVersion: string;
  readonly machine: Machine;
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
}

const LEASE_SECONDS = 40;
const LEASE_PERIOD_MS = 10_000;
const LEASE_NAMESPACE = "kube-node-lease";
/** The status is looked at this often, and written when it changed, or after the longer time. */
const STATUS_PERIOD_MS = 10_000;
const STATUS_WRITE_MS = 300_000;
const REGISTER_RETRY_MS = 100;
const MAX_REGISTER_RETRY_MS = 7000;
const RANGE_LOOK_MS = 5;
const MAX_RANGE_LOOK_MS = 500;

/** Keeps the node's object and Lease. */
export class NodeAgent {
  readonly #options: NodeAgentOptions;
  #runtime: Runtime | undefined;
  #runtimeVersion = "";
  #problems: readonly string[] = ["container runtime is down"];
  #known: NodeStatus | undefined;
  #uid = "";
  #images: readonly Image[] = [];
  #writtenMs = 0;
  #timers: Timer[] = [];
  #writing: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(options: NodeAgentOptions) {
    this.#options = options;
  }

  /**
   * Makes the node's object, or takes the one that stands; tries until it is there.
   *
   * @returns the range of the node's pods
   */
  async register(): Promise<string> {
    const { clock, log } = this.#options;
    for (let waitMs = REGISTER_RETRY_MS; ; waitMs = Math.min(waitMs * 2, MAX_REGISTER_RETRY_MS)) {
      try {
        const node = await this.#withPodCidr(await this.#getOrCreate());
        this.#known = node.status;
        this.#uid = node.metadata.uid ?? "";
        return node.spec.podCIDR as string;
      } catch (error) {
        this.#stop.signal.throwIfAborted();
        log.warn("node cannot be registered", { error });
        await sleep(clock, waitMs, this.#stop.signal);
      }
    }
  }

  /** Begins to renew the Lease and to report the status. */
  start(): void {
    const { clock } = this.#options;
    this.tell("Normal", "Starting", "Starting kubelet.");
    void this.#renewLease();
    this.#timers = [clock.every(LEASE_PERIOD_MS, () => void this.#renewLease()), clock.every(STATUS_PERIOD_MS, () => void this.#look())];
  }

  stop(): void {
    this.#stop.abort();
    for (const timer of this.#timers) timer.cancel();
  }

  /** The runtime answers; reports the node as ready as soon as it is. */
  async runtimeUp(runtime: Runtime): Promise<void> {
    const { runtimeName, runtimeVersion } = await runtime.version();
    this.#runtime = runtime;
    this.#runtimeVersion = `${runtimeName}://${runtimeVersion.replace(/^v/, "")}`;
    await this.#look();
  }

  get ready(): boolean {
    return this.#problems.length === 0;
  }

  /** An event about the node. */
  tell(type: "Normal" | "Warning", reason: string, message: string): void {
    const { nodeName, recorder } = this.#options;
    recorder.record({ kind: "Node", apiVersion: "v1", name: nodeName, uid: this.#uid || nodeName }, type, reason, message);
  }

  async #getOrCreate(): Promise<Node> {
    const { client, nodeName } = this.#options;
    const found = await absent(client.get(NODES, { name: nodeName }));
    return found ?? client.create(NODES, { metadata: this.#metadata(), spec: {}, status: this.#status(undefined) });
  }

  /** The node, once a controller has given it a range for its pods: a node knows of no other, and may not ask. */
  async #withPodCidr(registered: Node): Promise<Node> {
    const { client, nodeName, clock } = this.#options;
    let node = registered;
    for (let waitMs = RANGE_LOOK_MS; !node.spec.podCIDR; waitMs = Math.min(waitMs * 2, MAX_RANGE_LOOK_MS)) {
      await sleep(clock, waitMs, this.#stop.signal);
      node = await client.get(NODES, { name: nodeName });
    }
    return node;
  }

  #metadata() {
    const { nodeName, machine } = this.#options;
    const { architecture, operatingSystem } = machine.info;
    const labels = {
      "beta.kubernetes.io/arch": architecture,
      "beta.kubernetes.io/os": operatingSystem,
      "kubernetes.io/arch": architecture,
      "kubernetes.io/hostname": nodeName,
      "kubernetes.io/os": operatingSystem,
    };
    return { name: nodeName, labels, annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" } };
  }

  #status(before: NodeStatus | undefined): NodeStatus {
    return nodeStatus({
      ...this.#options,
      runtimeVersion: this.#runtimeVersion,
      images: this.#images,
      problems: this.#problems,
      before,
      nowMs: this.#options.clock.now(),
    });
  }

  /** Looks at the runtime and writes the status if it is due. One after the other. */
  #look(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#inspect();
        await this.#write();
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#options.log.warn("node status cannot be written", { error });
      }
    });
    return this.#writing;
  }

  async #inspect(): Promise<void> {
    if (this.#runtime === undefined) return;
    try {
      const conditions = await this.#runtime.status();
      const failing = conditions.filter(({ status, type }) => !status && (type === "RuntimeReady" || type === "NetworkReady"));
      this.#problems = failing.map(({ type, reason, message }) => {
        const what = type === "NetworkReady" ? "container runtime network not ready" : "container runtime not ready";
        return `${what}: ${type}=false reason:${reason} message:${message}`;
      });
      this.#images = await this.#runtime.listImages();
    } catch {
      this.#problems = ["container runtime is down"];
    }
  }

  async #write(): Promise<void> {
    const { client, nodeName, clock } = this.#options;
    if (this.#stop.signal.aborted) return;
    const before = this.#known;
    const after = this.#status(before);
    const changed = before === undefined || !isDeepStrictEqual(comparable(before), comparable(after));
    if (!changed && clock.now() - this.#writtenMs < STATUS_WRITE_MS) return;
    const status = { ...after, addresses: after.addresses, images: after.images };
    const written = await client.patch(NODES, { name: nodeName }, "strategic", { status }, { subresource: "status" });
    this.#known = written.status;
    this.#writtenMs = clock.now();
    const readiness = (of: NodeStatus | undefined) => of?.conditions?.find(({ type }) => type === "Ready")?.status;
    if (readiness(before) === readiness(after)) return;
    const reason = readiness(after) === "True" ? "NodeReady" : "NodeNotReady";
    this.tell("Normal", reason, `Node ${nodeName} status is now: ${reason}`);
  }

  async #renewLease(): Promise<void> {
    const { client, nodeName, clock, log } = this.#options;
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime: formatMicroTime(clock.now()) };
    try {
      const ref = { namespace: LEASE_NAMESPACE, name: nodeName };
      if ((await absent(client.patch(LEASES, ref, "merge", { spec }))) !== undefined) return;
      const owner = { apiVersion: "v1", kind: "Node", name: nodeName, uid: this.#uid };
      await client.create(LEASES, { metadata: { ...ref, ownerReferences: [owner] }, spec });
    } catch (error) {
      if (!this.#stop.signal.aborted) log.warn("node lease cannot be renewed", { error });
    }
  }
}

async function absent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isStatus(error, "NotFound")) return undefined;
    throw error;
  }
}

/** Without what changes at every look. */
function comparable({ conditions = [], ...rest }: NodeStatus): unknown {
  const { volumesInUse: _in, volumesAttached: _attached, ...own } = rest;
  const plain = conditions.map(({ lastHeartbeatTime: _, ...condition }) => condition);
  return JSON.parse(JSON.stringify({ ...own, conditions: [...plain].sort((a, b) => (a.type < b.type ? -1 : 1)) })) as unknown;
}
