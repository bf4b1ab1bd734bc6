import { createHash } from "node:crypto";
import { inspect } from "node:util";

import type { Pod } from "#api/core-v1/types.ts";
import { LOOPBACK_USER, SYSTEM_MASTERS } from "#apiserver/user.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { Client } from "#client/client.ts";
import type { ApiCall, Transport, WatchEvent } from "#client/transport.ts";
import { sleep } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import { sameJson } from "#lib/same-json.ts";
import { SimClock } from "#lib/sim-clock.ts";

import { deploymentsCheck } from "./check-deployments.ts";
import { acknowledgementsCheck, objectsCheck, uniquenessCheck } from "./check-objects.ts";
import { ownersCheck } from "./check-owners.ts";
import { bindingsCheck, NODES_PREFIX, PODS_PREFIX, RunningCheck } from "./check-pods.ts";
import { Ledger } from "./check-ledger.ts";
import { checkRest } from "./check-rest.ts";
import { VIEWS, WatchAuditor } from "./check-watches.ts";
import type { Case, Check } from "./judge.ts";
import type { Program, Step } from "./program.ts";
import { type DiskChange, SimDisk } from "./sim-disk.ts";
import { befall, endMisfortune, type Misfortunes } from "./sim-misfortune.ts";
import { type Link, SimNetwork } from "./sim-network.ts";
import { SimNode } from "./sim-node.ts";
import { drained, forkedRng, SimProcess } from "./sim-process.ts";
import { openSimServer, SimServer, startRemoteComponents } from "./sim-server.ts";
import { SimUser } from "./sim-user.ts";

const ADMIN = { name: "admin", uid: "", groups: [SYSTEM_MASTERS, "system:authenticated"], extra: {} };
/** Longer than any of the controllers waits by itself: tolerations of five minutes, the queue's last resort after those. */
const SETTLE_MS = 30 * 60_000;
const CALM_MS = 90_000;
const QUIET_MS = 6.5 * 60_000;
const MAX_NODES = 6;
/** A run that writes or turns more often than this does not come to rest; usual are 500 and 3,000. */
const MAX_WRITES = 4_000;
const MAX_TURNS = 60_000;

export interface Outcome {
  /** What was not as it must be, the first first; none in a good run. */
  readonly faults: readonly string[];
  readonly trace: readonly string[];
  /** Of the whole trace. */
  readonly digest: string;
  readonly writes: number;
  readonly turns: number;
  readonly simulatedMs: number;
}

/** What a run may do otherwise than the product, to prove that the checks can fail. */
export interface Mutation {
  /** Changes what controllers and scheduler send. */
  readonly request?: (call: ApiCall) => ApiCall;
  /** Which of their requests are sent twice. */
  readonly twice?: (call: ApiCall) => boolean;
  /** What they see in the place of an event; `undefined`: nothing. */
  readonly seen?: (event: WatchEvent) => WatchEvent | undefined;
  /** What those who only watch are given in the place of an event. */
  readonly auditors?: (event: WatchEvent) => readonly WatchEvent[];
  /** Changes what the two send that count in one object. */
  readonly writers?: (call: ApiCall) => ApiCall;
  /** Changes what becomes durable. */
  readonly stored?: (key: string, object: KubeObject) => KubeObject;
  /** What does not become durable. */
  readonly forgets?: (key: string) => boolean;
}

let bootstrapped: Promise<SimDisk> | undefined;

/** A disk as the server's first start leaves it; the same for every run. */
function firstDisk(): Promise<SimDisk> {
  bootstrapped ??= (async () => {
    const clock = new SimClock();
    const disk = new SimDisk(forkedRng(0, "disk"));
    let isOpen = false;
    void openSimServer(new SimProcess(clock), { disk, rng: forkedRng(0, "server"), logger: quiet(() => {}) }).then(() => (isOpen = true));
    for (await drained(); !isOpen && clock.step(); ) await drained();
    return disk;
  })();
  return bootstrapped;
}

function quiet(error: (message: string, fields?: unknown) => void): Logger {
  const logger: Logger = { debug() {}, info() {}, warn() {}, error, with: () => logger };
  return logger;
}

/** Runs a program to its end, or to the first thing that is not as it must be. */
export async function simulate(program: Program, mutation: Mutation = {}): Promise<Outcome> {
  const first = await firstDisk();
  const run = new Run(program, first, mutation);
  const onRejection = (error: unknown) => run.accuse(`a promise was rejected, and nobody looked: ${inspect(error)}`);
  process.on("unhandledRejection", onRejection);
  try {
    await run.play();
  } finally {
    process.off("unhandledRejection", onRejection);
    run.end();
  }
  return run.outcome();
}

class Run {
  readonly #clock = new SimClock();
  readonly #program: Program;
  readonly #mutation: Mutation;
  readonly #disk: SimDisk;
  readonly #server: SimServer;
  readonly #network: SimNetwork;
  readonly #nodes: SimNode[] = [];
  readonly #user: SimUser;
  readonly #userLink: Link;
  readonly #auditors: readonly WatchAuditor[];
  readonly #ledger: Ledger;
  readonly #misfortunes: Misfortunes;
  readonly #checks: readonly Check[];
  readonly #running: RunningCheck;
  readonly #case: Case;
  readonly #logger: Logger;
  readonly #faults: string[] = [];
  readonly #trace: string[] = [];
  readonly #digest = createHash("sha256");
  #components: SimProcess | undefined;
  #turns = 0;
  #writes = 0;
  #lastWriteMs = 0;
  #isQuiet = false;

  constructor(program: Program, first: SimDisk, mutation: Mutation) {
    const { seed, isRemote } = program;
    this.#program = program;
    this.#mutation = mutation;
    // A full disk is for an operator to look at, and what the simulation asks for.
    this.#logger = quiet(
      (message, fields) =>
        message.startsWith("the store is full") || this.accuse(`logged as an error: ${message} ${inspect(fields, { breakLength: Infinity })}`),
    );
    this.#disk = new SimDisk(forkedRng(seed, "disk"), first, mutation);
    this.#disk.onChange = (change) => this.#changed(change);
    this.#case = { disk: this.#disk, heardMs: () => this.#clock.now() - this.#server.outagesMs, isRemote, accuse: (what) => this.accuse(what) };
    this.#running = new RunningCheck(this.#case);
    this.#checks = [objectsCheck, acknowledgementsCheck, uniquenessCheck, ownersCheck, bindingsCheck, deploymentsCheck].map((check) => check(this.#case));
    const parts = { disk: this.#disk, rng: forkedRng(seed, "server"), logger: this.#logger };
    const note = (text: string) => this.#note(text);
    this.#server = new SimServer({
      ...parts,
      clock: this.#clock,
      note,
      ...(!isRemote && { components: (direct, process) => this.#mutated(this.#network.inProcess(direct, process, LOOPBACK_USER)) }),
    });
    this.#network = new SimNetwork({
      server: this.#server,
      rng: forkedRng(seed, "network"),
      witness: {
        arrives: (call, user) => user === LOOPBACK_USER && this.#checks.forEach((check) => check.asked?.(call)),
        acknowledged: (call, answer) => this.#checks.forEach((check) => check.acknowledged?.(call, answer)),
      },
      meddle: (call, api) => this.#meddle(call, api),
    });
    const machine = new SimProcess(this.#clock);
    this.#userLink = this.#network.link(machine, ADMIN, "kubectl");
    this.#userLink.isFaulty = false;
    this.#user = new SimUser(new Client(this.#userLink));
    const auditors = () => this.#link(machine, mutation.auditors);
    const writers = [1, 2].map(() => new Client(this.#writerLink(machine, mutation.writers)));
    this.#ledger = new Ledger(writers, machine.clock, forkedRng(seed, "ledger"), this.#case);
    this.#misfortunes = {
      clock: this.#clock,
      rng: forkedRng(seed, "misfortune"),
      disk: this.#disk,
      server: this.#server,
      network: this.#network,
      nodes: this.#nodes,
      addNode: () => this.#nodes.length < MAX_NODES && this.#addNode(),
      crashComponents: () => this.#crashComponents(),
    };
    this.#auditors = VIEWS.map((view) => new WatchAuditor(view, auditors(), machine.clock, this.#case));
  }

  /** A fault is told once, with the time. */
  accuse(what: string): void {
    this.#faults.push(`${this.#stamp()} ${what}`);
    this.#note(`FAULT ${what}`);
  }

  async play(): Promise<void> {
    const { seed, nodes, steps, isRemote } = this.#program;
    this.#note(`seed ${seed}, ${isRemote ? "components in a process of their own" : "all in one process"}, ${nodes} nodes, ${steps.length} steps`);
    this.#server.start();
    if (isRemote) void this.#startComponents();
    for (let i = 0; i < nodes; i++) this.#addNode();
    this.#ledger.start();
    for (const step of steps) {
      await this.#runUntil(Math.max(this.#clock.now(), START_MS + step.atMs));
      if (this.#faults.length > 0) return;
      this.#begin(step);
    }
    await this.#runUntil(this.#clock.now() + 5_000);
    if (this.#faults.length > 0) return;
    await this.#comeToRest();
  }

  outcome(): Outcome {
    return {
      faults: this.#faults,
      trace: this.#trace,
      digest: this.#digest.digest("hex"),
      writes: this.#writes,
      turns: this.#turns,
      simulatedMs: this.#clock.now() - START_MS,
    };
  }

  end(): void {
    this.#server.downMs = Infinity;
    this.#server.crash();
    this.#components?.kill();
    for (const node of this.#nodes) node.powerOff();
  }

  async #comeToRest(): Promise<void> {
    this.#note("faults end");
    endMisfortune(this.#misfortunes);
    this.#ledger.stop();
    await this.#runUntil(this.#clock.now() + 20_000);
    let mendedMs = Infinity;
    void this.#mend().then(() => (mendedMs = this.#clock.now()));
    const limitMs = this.#clock.now() + SETTLE_MS;
    while (this.#clock.now() < limitMs && this.#faults.length === 0) {
      await this.#runUntil(this.#clock.now() + 5_000);
      if (this.#clock.now() - Math.max(this.#lastWriteMs, mendedMs) > CALM_MS && !this.#isWaited()) break;
    }
    if (this.#faults.length > 0) return;
    if (this.#clock.now() >= limitMs) this.accuse(`there is no rest within ${SETTLE_MS / 60_000} minutes`);
    checkRest(this.#case, this.#running.running);
    for (const auditor of this.#auditors) auditor.finish();
    this.#ledger.finish();
    this.#isQuiet = true;
    if (this.#faults.length === 0) await this.#runUntil(this.#clock.now() + QUIET_MS);
  }

  /** Pods on nodes that were away go when their tolerance ends: until then nothing is written, and yet nothing is at rest. */
  #isWaited(): boolean {
    return this.#disk.list<Pod>(PODS_PREFIX).some((pod) => pod.metadata.deletionTimestamp !== undefined);
  }

  async #mend(): Promise<void> {
    for (;;) {
      try {
        return await this.#user.mend();
      } catch (error) {
        this.#note(`mending fails: ${String(error)}`);
        await sleep(this.#clock, 1_000);
      }
    }
  }

  async #runUntil(untilMs: number): Promise<void> {
    await drained();
    while (this.#faults.length === 0 && this.#clock.step(untilMs)) {
      await drained();
      if (++this.#turns > MAX_TURNS) return this.accuse(`after ${MAX_TURNS} turns there is no rest`);
    }
    if (this.#faults.length === 0) this.#clock.advance(Math.max(0, untilMs - this.#clock.now()));
  }

  async #startComponents(): Promise<void> {
    const process = new SimProcess(this.#clock);
    this.#components = process;
    while (this.#server.current === undefined) await sleep(process.clock, 100);
    const link = this.#network.link(process, LOOPBACK_USER, "skiff");
    startRemoteComponents(process, this.#mutated(link), this.#server, { rng: forkedRng(this.#program.seed, "components"), logger: this.#logger });
    this.#note("components start");
  }

  #mutated(transport: Transport): Transport {
    const { request = (call) => call, twice = () => false, seen = (event) => event } = this.#mutation;
    return {
      perform: async (call, signal) => {
        if (twice(call)) await transport.perform(call, signal);
        return transport.perform(request(call), signal);
      },
      watch: (call, sink) => {
        const onEvent = (event: WatchEvent) => {
          const instead = seen(event);
          if (instead !== undefined) sink.onEvent(instead);
        };
        return transport.watch(call, { onEvent, onEnd: (error) => sink.onEnd(error) });
      },
    };
  }

  #writerLink(process: SimProcess, sends: Mutation["writers"] = (call) => call): Transport {
    const link = this.#network.link(process, ADMIN, "writer");
    return { perform: (call, signal) => link.perform(sends(call), signal), watch: (call, sink) => link.watch(call, sink) };
  }

  /** The way of a client that only watches. */
  #link(process: SimProcess, tells: Mutation["auditors"] = (event) => [event]): Transport {
    const link = this.#network.link(process, ADMIN, "watcher");
    return {
      perform: (call, signal) => link.perform(call, signal),
      watch: (call, sink) =>
        link.watch(call, { ...sink, onEvent: (event) => tells(event).forEach((each) => sink.onEvent(each)), onEnd: (error) => sink.onEnd(error) }),
    };
  }

  #addNode(): void {
    const { seed } = this.#program;
    const index = this.#nodes.length + 1;
    const name = `n${index}`;
    this.#nodes.push(
      new SimNode({
        name,
        index,
        zone: index % 2 === 0 ? "a" : "b",
        cpu: "1",
        clock: this.#clock,
        network: this.#network,
        rng: forkedRng(seed, name),
        logger: this.#logger,
        runs: (uid, node, isRunning) => this.#running.note(uid, node, isRunning),
      }),
    );
  }

  #begin(step: Step): void {
    this.#note(`step ${JSON.stringify(step)}`);
    this.#user.act(step).then(
      (isDone) => {
        if (!isDone) befall(step, this.#misfortunes);
      },
      (error: unknown) => this.#note(`${step.do} is refused: ${error instanceof Error ? error.message : String(error)}`),
    );
  }

  #crashComponents(): void {
    if (this.#components === undefined) return this.#server.crash();
    if (!this.#components.isAlive) return;
    this.#components.kill();
    this.#clock.after(2_000, () => void this.#startComponents());
  }

  /** Somebody else changes the object first. */
  async #meddle(
    { resource, namespace, name }: ApiCall,
    api: { readonly pipeline: { perform(call: ApiCall, user: typeof ADMIN): Promise<unknown> } },
  ): Promise<void> {
    if (name === undefined) return;
    const body = { metadata: { annotations: { meddled: String(this.#disk.revision) } } };
    await api.pipeline.perform({ verb: "patch", resource, namespace, name, patchType: "merge", body }, ADMIN).catch(() => {});
  }

  #changed(change: DiskChange): void {
    const { key, revision, type } = change;
    this.#note(`${revision} ${type} ${key}`);
    this.#writes++;
    for (const check of this.#checks) check.changed?.(change);
    if (this.#writes === MAX_WRITES) this.accuse(`after ${MAX_WRITES} writes there is no rest`);
    if (isHeartbeat(change)) return;
    this.#lastWriteMs = this.#clock.now();
    if (this.#isQuiet) this.accuse(`${type} of ${key}, when all is at rest: ${difference(change.before, change.object)}`);
  }

  #stamp(): string {
    return ((this.#clock.now() - START_MS) / 1000).toFixed(3);
  }

  #note(text: string): void {
    const line = `${this.#stamp()} ${text}`;
    this.#trace.push(line);
    this.#digest.update(line).update("\n");
  }
}

const START_MS = new SimClock().now();

/** Signs of life of nodes are written for ever: their leases, and their status. */
function isHeartbeat({ key, type, object, before }: DiskChange): boolean {
  if (type !== "update") return false;
  return key.startsWith("/registry/leases/kube-node-lease/") || (key.startsWith(NODES_PREFIX) && sameJson(declared(object), declared(before)));
}

/** What nobody changes by telling that he lives. */
function declared(node: KubeObject | undefined): unknown {
  const { labels, annotations, finalizers, deletionTimestamp } = node?.metadata ?? {};
  return { labels, annotations, finalizers, deletionTimestamp, spec: (node as { spec?: object } | undefined)?.spec };
}

function difference(before: KubeObject | undefined, after: KubeObject | undefined): string {
  return `${JSON.stringify(before)} → ${JSON.stringify(after)}`;
}
