import { readFileSync } from "node:fs";
import { arch } from "node:os";

import { PODS, SERVICES } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { keyOf } from "#apimachinery/object.ts";
import type { Client } from "#client/client.ts";
import { ApiEventRecorder } from "#client/event-recorder.ts";
import type { Informer, InformerFactory } from "#client/informer.ts";
import type { KubeletConfig } from "#kubelet/config.ts";
import { followEvents } from "#kubelet/runtime/events.ts";
import { rotateContainerdLog } from "#kubelet/runtime/containerd-log.ts";
import { startNodeRuntime, writeCniConfig } from "#kubelet/runtime/node-runtime.ts";
import { type Clock, sleep, type Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";
import { runCommand } from "#lib/run-command.ts";

import type { CriRuntime, Runtime } from "./cri/runtime.ts";
import { collectImages, type HousekeepingDeps, removeLeftovers, rotateLogs } from "./housekeeping.ts";
import { ImageManager } from "./image/image-manager.ts";
import { goArch, readMachine } from "./node/machine.ts";
import { NodeAgent } from "./node/node-agent.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { listedPods, runtimePods } from "./pod/adoption.ts";
import { Backoff } from "./pod/backoff.ts";
import { Cgroups } from "./pod/cgroups.ts";
import { parseResolvConf } from "./pod/dns.ts";
import type { PodContext } from "./pod/pod-context.ts";
import { PodWorker } from "./pod/pod-worker.ts";
import { latestRun, type RuntimeContainer } from "./pod/runtime-pod.ts";
import { Sweeper } from "./leftovers/sweeper.ts";
import { ProbeManager } from "./probe/probe-manager.ts";
import { StatusManager } from "./status/status-manager.ts";
import { TokenSource } from "./volume/tokens.ts";
import { VolumeManager } from "./volume/volume-manager.ts";

export interface KubeletDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** For child processes. */
  readonly env: NodeJS.ProcessEnv;
  /** What the node's object calls the kubelet's version. */
  readonly version: string;
  /** Resolves once no service sends new connections to the pod at this address. */
  readonly drained: (podIp: string) => Promise<void>;
}

/** A running kubelet, as its HTTPS server and the agent's process see it. */
export interface Kubelet {
  readonly runtime: Runtime;
  /** All pods of this node that the kubelet works on. */
  pods(): readonly Pod[];
  podByName(namespace: string, name: string): Pod | undefined;
  /** The newest run of a container, or the one before it. */
  containerRun(pod: Pod, container: string, options?: { readonly previous?: boolean }): RuntimeContainer | undefined;
  containerIdOf(pod: Pod, container: string, options?: { readonly previous?: boolean }): string | undefined;
  /** The sandbox that holds the pod's network. */
  sandboxIdOf(pod: Pod): string | undefined;
  /** The log of a run; `undefined` when there is no such run. */
  logPathOf(pod: Pod, container: string, options?: { readonly previous?: boolean }): string | undefined;
  /** Whether the runtime and its network are ready. */
  readonly ready: boolean;
  /** Stops the kubelet; pods and the runtime go on. */
  stop(): Promise<void>;
}

/** A net under the event stream, not the way that exits are noticed. */
const RELIST_MS = 20_000;
const SWEEP_MS = 60_000;
const FIRST_SWEEP_MS = 1000;
const VOLUME_REFRESH_MS = 60_000;
const LOG_CHECK_MS = 10_000;
const IMAGE_GC_MS = 300_000;
const NETWORK_POLL_MS = 10;
const NETWORK_WAIT_MS = 5_000;

const MAX_STRANGERS = 1000;

/** Starts the node's runtime, registers the node and takes on its pods. Resolves when the node has been reported ready. */
export async function startKubelet(config: KubeletConfig, deps: KubeletDeps): Promise<Kubelet> {
  const { client, clock, log, env, informers } = deps;
  const machine = readMachine("/");
  const recorder = new ApiEventRecorder({ client, clock, logger: log, component: "kubelet", host: config.nodeName });
  const nodeIps = [config.nodeIp];
  const agent = new NodeAgent({ ...config, nodeIps, kubeletVersion: deps.version, machine, client, recorder, clock, log });
  // The runtime comes up while the node is registered.
  const sweeper = new Sweeper(config, { clock, log, env });
  const onDown = () => sweeper.runtimeIsDown();
  const startRuntime = () => startNodeRuntime(config, goArch(arch()) === "arm64" ? "arm64" : "amd64", { clock, log, env, onDown });
  const starting = startRuntime();
  starting.catch(() => undefined);
  const podCidr = await agent.register();
  agent.start();
  writeCniConfig(config, podCidr);
  const runtime = await starting;
  await networkReady(runtime, clock);
  const pods = informers.informer(PODS, {}, { fieldSelector: `spec.nodeName=${config.nodeName}` });
  const services = informers.informer(SERVICES);
  const reported = agent.runtimeUp(runtime);
  await Promise.all([pods.synced, services.synced]);
  const context = podContext(config, deps, { runtime, recorder, services, machine, nodeIps });
  const revive = async () => (await startRuntime()).close();
  const kubelet = new RunningKubelet(config, deps, { agent, runtime, pods, sweeper, revive }, context);
  await kubelet.begin();
  await reported;
  return kubelet;
}

type Built = Pick<PodContext, "runtime" | "recorder" | "services"> & { readonly machine: ReturnType<typeof readMachine>; readonly nodeIps: readonly string[] };

/** What does not need the running kubelet. */
type SharedContext = Omit<PodContext, "finished" | "exitedEarly">;

function podContext(config: KubeletConfig, { client, clock, rng, log, drained }: KubeletDeps, built: Built): SharedContext {
  const { runtime, recorder, services, machine, nodeIps } = built;
  const tokens = new TokenSource({ client, clock, rng });
  const run = (program: string, args: readonly string[]) => runCommand(clock, program, args);
  return {
    config,
    node: { ips: nodeIps, memoryBytes: machine.memoryBytes, allocatable: machine.allocatable },
    dns: { server: config.clusterDns, domain: config.clusterDomain, host: parseResolvConf(readText(config.resolvConf)) },
    hostsText: readText("/etc/hosts"),
    client,
    clock,
    log,
    recorder,
    runtime,
    images: new ImageManager({ runtime, client, clock }),
    volumes: new VolumeManager({ kubeletDir: config.kubeletDir, client, clock, tokens, run }),
    cgroups: new Cgroups(config.cgroupRoot),
    probes: new ProbeManager({ runtime, clock, rng }),
    statuses: new StatusManager({ client, clock, log }),
    restarts: new Backoff(),
    services,
    drained,
  };
}

interface Parts {
  readonly agent: NodeAgent;
  readonly runtime: Runtime;
  readonly pods: Informer<Pod>;
  readonly sweeper: Sweeper;
  /** Starts the runtime anew if it has ended. */
  readonly revive: () => Promise<void>;
}

class RunningKubelet implements Kubelet {
  readonly runtime: CriRuntime;
  readonly #config: KubeletConfig;
  readonly #deps: KubeletDeps;
  readonly #agent: NodeAgent;
  readonly #pods: Informer<Pod>;
  readonly #sweeper: Sweeper;
  readonly #sweep: () => Promise<void>;
  readonly #revive: () => Promise<void>;
  readonly #context: PodContext;
  readonly #workers = new Map<string, PodWorker>();
  /** Containers that exited before their pod's worker had heard of them. */
  readonly #strangers = new Set<string>();
  readonly #imagesSeenMs = new Map<string, number>();
  #release: (() => void)[] = [];
  #timers: Timer[] = [];
  #nextSweep: Timer | undefined;
  #isStopped = false;

  constructor(config: KubeletConfig, deps: KubeletDeps, { agent, runtime, pods, sweeper, revive }: Parts, context: SharedContext) {
    this.#config = config;
    this.#deps = deps;
    this.#agent = agent;
    this.runtime = runtime as CriRuntime;
    this.#pods = pods;
    this.#sweeper = sweeper;
    this.#revive = revive;
    this.#context = {
      ...context,
      exitedEarly: (id) => this.#strangers.delete(id),
      finished: (pod) => this.#finished(pod),
    };
    this.#sweep = oneAtATime(() => this.#sweepNow(), deps.log);
  }

  /** Adopts what runs, removes what belongs to nobody, and follows pods and the runtime from then on. */
  async begin(): Promise<void> {
    const { clock, log } = this.#deps;
    const lost = oneAtATime(() => this.#recover(), log);
    const sink = { exited: (id: string) => this.#exited(id), reaped: (id: string) => this.#workerOf(id)?.reaped(id), lost: () => void lost() };
    this.#release.push(followEvents(this.#config.containerd.socket, sink, { clock, log }));
    const found = await runtimePods(this.runtime);
    let adopting = true;
    const add = (pod: Pod) => this.#seen(pod, adopting ? found.get(pod.metadata.uid as string) : undefined);
    this.#release.push(this.#pods.onChange({ added: add, updated: add, deleted: (pod) => this.#workers.get(pod.metadata.uid as string)?.removed() }));
    adopting = false;
    void this.#sweep();
    this.#sweepOften();
    this.#every(SWEEP_MS, this.#sweep);
    this.#every(RELIST_MS, () => this.#relist());
    this.#every(VOLUME_REFRESH_MS, () => this.#refreshVolumes());
    this.#every(LOG_CHECK_MS, () =>
      rotateLogs(
        this.#housekeeping(),
        [...this.#workers.values()].map((worker) => worker.runtime),
        clock.now(),
      ),
    );
    this.#every(LOG_CHECK_MS, async () => void (await rotateContainerdLog(this.#config.containerd)));
    this.#every(IMAGE_GC_MS, () => collectImages(this.#housekeeping(), this.#imagesSeenMs, clock.now()));
  }

  get ready(): boolean {
    return this.#agent.ready;
  }

  pods(): readonly Pod[] {
    return [...this.#workers.values()].map(({ pod }) => pod);
  }

  podByName(namespace: string, name: string): Pod | undefined {
    return this.#pods.get(keyOf({ metadata: { namespace, name } }));
  }

  containerRun(pod: Pod, container: string, { previous = false } = {}): RuntimeContainer | undefined {
    const runtime = this.#workers.get(pod.metadata.uid as string)?.runtime;
    if (runtime === undefined) return undefined;
    return previous ? runtime.containers.filter(({ name }) => name === container)[1] : latestRun(runtime, container);
  }

  containerIdOf(pod: Pod, container: string, options: { readonly previous?: boolean } = {}): string | undefined {
    return this.containerRun(pod, container, options)?.id;
  }

  sandboxIdOf(pod: Pod): string | undefined {
    return this.#workers.get(pod.metadata.uid as string)?.runtime.sandboxes.find(({ ready }) => ready)?.id;
  }

  logPathOf(pod: Pod, container: string, options: { readonly previous?: boolean } = {}): string | undefined {
    return this.containerRun(pod, container, options)?.logPath;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#nextSweep?.cancel();
    this.#isStopped = true;
    for (const release of this.#release) release();
    this.#agent.stop();
    for (const worker of this.#workers.values()) worker.stop();
    this.#context.probes.stopAll();
    this.#context.statuses.stop();
    this.runtime.close();
  }

  #seen(pod: Pod, runtime?: PodWorker["runtime"]): void {
    const uid = pod.metadata.uid as string;
    const worker = this.#workers.get(uid);
    if (worker !== undefined) worker.update(pod);
    else this.#workers.set(uid, new PodWorker(pod, this.#context, runtime));
  }

  #finished(pod: Pod): void {
    this.#workers.delete(pod.metadata.uid as string);
    // The runtime that made the pod may have been killed while it took it down: what was the pod's is nobody's now.
    if (this.#sweeper.isSuspicious) void this.#sweep();
  }

  #exited(id: string): void {
    const worker = this.#workerOf(id);
    if (worker === undefined) this.#remember(id);
    else worker.exited(id);
  }

  #workerOf(id: string): PodWorker | undefined {
    return [...this.#workers.values()].find(({ runtime }) => [...runtime.containers, ...runtime.sandboxes].some((part) => part.id === id));
  }

  #remember(id: string): void {
    this.#strangers.add(id);
    if (this.#strangers.size <= MAX_STRANGERS) return;
    const [oldest] = this.#strangers;
    this.#strangers.delete(oldest as string);
  }

  /** Events may have been missed, perhaps because the runtime has ended. */
  async #recover(): Promise<void> {
    await this.#revive();
    await this.#relist();
    await this.#sweep();
    this.#sweepOften();
  }

  /** What a killed runtime made becomes nobody's as pods let go of it, most of it soon. */
  #sweepOften(delayMs = FIRST_SWEEP_MS): void {
    this.#nextSweep?.cancel();
    if (this.#isStopped || !this.#sweeper.isSuspicious || delayMs >= SWEEP_MS) return;
    this.#nextSweep = this.#deps.clock.after(delayMs, () => void this.#sweep().then(() => this.#sweepOften(2 * delayMs)));
  }

  /** Removes what is there without a pod, or without a sandbox. */
  async #sweepNow(): Promise<void> {
    const listed = await listedPods(this.runtime);
    await removeLeftovers(this.#housekeeping(), new Set(this.#workers.keys()), listed);
    await this.#sweeper.sweep(this.runtime);
  }

  async #relist(): Promise<void> {
    const listed = await listedPods(this.runtime);
    for (const [uid, worker] of this.#workers) await worker.compare(listed.get(uid));
    if ([...listed.keys()].some((uid) => !this.#workers.has(uid))) await removeLeftovers(this.#housekeeping(), new Set(this.#workers.keys()), listed);
  }

  async #refreshVolumes(): Promise<void> {
    for (const worker of this.#workers.values()) await worker.refreshVolumes();
  }

  #housekeeping(): HousekeepingDeps {
    const { runtime, volumes, cgroups, clock, log } = this.#context;
    return { config: this.#config, runtime, volumes, cgroups, clock, log };
  }

  #every(periodMs: number, work: () => Promise<void>): void {
    const run = oneAtATime(work, this.#deps.log);
    this.#timers.push(this.#deps.clock.every(periodMs, () => void run()));
  }
}

/** Waits until the runtime has taken up the network's configuration. */
async function networkReady(runtime: Runtime, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + NETWORK_WAIT_MS;
  while (clock.monotonic() < deadline) {
    const conditions = await runtime.status();
    if (conditions.every(({ status }) => status)) return;
    await sleep(clock, NETWORK_POLL_MS);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
