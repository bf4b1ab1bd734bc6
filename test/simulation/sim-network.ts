import { statusError } from "#apimachinery/status-error.ts";
import type { UserInfo } from "#apiserver/user.ts";
import type { ApiCall, Transport, WatchCall, WatchEvent, WatchSink } from "#client/transport.ts";
import { sleep } from "#lib/clock.ts";
import type { Rng } from "#lib/rng.ts";

import { between, type SimProcess } from "./sim-process.ts";
import type { Generation, SimServer } from "./sim-server.ts";

/** What goes wrong now; all of it may be changed at any time. */
export interface NetworkFaults {
  /** Of all requests, so many never arrive. */
  loseRequests: number;
  /** Of all requests that were carried out, so many answers never arrive. */
  loseAnswers: number;
  /** Of all requests of the server's own components, so many are refused before anything is done. */
  refuse: number;
  /** Of all updates, so many come second to somebody else's. */
  meddle: number;
  /** How late watch events come, at most. */
  watchLagMs: number;
}

export const noFaults = (): NetworkFaults => ({ loseRequests: 0, loseAnswers: 0, refuse: 0, meddle: 0, watchLagMs: 3 });

/** Told of requests as the server gets them, and of answers as the client does. */
export interface Witness {
  arrives(call: ApiCall, user: UserInfo): void;
  acknowledged(call: ApiCall, answer: unknown): void;
}

export interface NetworkOptions {
  readonly server: SimServer;
  readonly rng: Rng;
  readonly witness: Witness;
  /** Changes the object that `call` is about to change. */
  readonly meddle: (call: ApiCall, api: Generation["api"]) => Promise<void>;
}

const reset = () => new Error("read ECONNRESET");
const refused = () => new Error("connect ECONNREFUSED");

/** Everything between clients and server. */
export class SimNetwork {
  readonly faults = noFaults();
  readonly options: NetworkOptions;
  readonly #watches = new Set<SimWatch>();

  constructor(options: NetworkOptions) {
    this.options = options;
  }

  /** A client's way to the server. */
  link(process: SimProcess, user: UserInfo, userAgent: string): Link {
    return new Link(this, process, user, userAgent);
  }

  /** The components' way within the server's process: nothing is late there, but requests may fail, and others may be faster. */
  inProcess(direct: Transport, process: SimProcess, user: UserInfo): Transport {
    const { rng, witness, server } = this.options;
    return {
      watch: (call, sink) => direct.watch(call, sink),
      perform: async (call, signal) => {
        if (rng() < this.faults.refuse) throw statusError.internal("the simulation refuses");
        witness.arrives(call, user);
        if (isWrite(call) && rng() < this.faults.meddle && server.current !== undefined) await this.options.meddle(call, server.current.api);
        const answer = await process.living(direct.perform(call, signal));
        witness.acknowledged(call, answer);
        return answer;
      },
    };
  }

  /** Ends watches as a broken connection does; what they had not delivered is lost to them. */
  cutWatches(isHit: (watch: SimWatch) => boolean = () => true): void {
    for (const watch of this.#watches) if (isHit(watch)) watch.break();
  }

  /** For `SimWatch`. */
  track(watch: SimWatch): () => void {
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }
}

const isWrite = ({ verb }: ApiCall) => verb === "update" || verb === "patch" || verb === "delete";

/** One client's connection; `isCut` makes it unusable. */
export class Link implements Transport {
  readonly #network: SimNetwork;
  readonly #process: SimProcess;
  readonly #user: UserInfo;
  readonly #userAgent: string;
  #isCut = false;
  /** Whether the faults of the network concern it. */
  isFaulty = true;

  constructor(network: SimNetwork, process: SimProcess, user: UserInfo, userAgent: string) {
    this.#network = network;
    this.#process = process;
    this.#user = user;
    this.#userAgent = userAgent;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  cut(isCut: boolean): void {
    this.#isCut = isCut;
    if (isCut) this.#network.cutWatches((watch) => watch.link === this);
  }

  async perform(call: ApiCall, signal?: AbortSignal): Promise<unknown> {
    const { server, rng, witness } = this.#network.options;
    const { faults } = this.#network;
    const clock = this.#process.clock;
    const happens = (share: number) => this.isFaulty && rng() < share;
    signal?.throwIfAborted();
    await sleep(clock, between(rng, 0.1, 1.5));
    const generation = server.current;
    if (generation === undefined || this.#isCut || happens(faults.loseRequests)) {
      await sleep(clock, this.#isCut ? 5_000 : 1);
      throw refused();
    }
    const answer = await this.#carriedOut(call, generation, isWrite(call) && happens(faults.meddle));
    if (this.#isCut || happens(faults.loseAnswers)) {
      await sleep(clock, 1);
      throw reset();
    }
    await sleep(clock, between(rng, 0.1, 1.5));
    witness.acknowledged(call, answer);
    return answer;
  }

  watch(call: WatchCall, sink: WatchSink): { stop(): void } {
    return new SimWatch(this, this.#network, this.#process, this.#user, call, sink);
  }

  /** @param isSecond somebody else changes the object first */
  #carriedOut(call: ApiCall, { process, api }: Generation, isSecond: boolean): Promise<unknown> {
    const { witness, meddle } = this.#network.options;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const forget = process.onDeath(() => this.#process.clock.after(1, () => reject(reset())));
    const carryOut = async () => {
      if (isSecond) await meddle(call, api);
      witness.arrives(call, this.#user);
      return api.pipeline.perform(call, this.#user, { userAgent: this.#userAgent });
    };
    carryOut()
      .then(resolve, reject)
      .finally(() => process.isAlive && forget());
    return promise;
  }
}

type Delivery = { readonly event: WatchEvent } | { readonly end: Error | undefined };

/** A watch over a connection: its events come late, in order, until it breaks. */
class SimWatch {
  readonly link: Link;
  readonly #network: SimNetwork;
  readonly #process: SimProcess;
  readonly #sink: WatchSink;
  readonly #forget: () => void;
  #inner: { stop(): void } | undefined;
  #lastDueMs = 0;
  #isOver = false;

  constructor(link: Link, network: SimNetwork, process: SimProcess, user: UserInfo, call: WatchCall, sink: WatchSink) {
    this.link = link;
    this.#network = network;
    this.#process = process;
    this.#sink = sink;
    this.#forget = network.track(this);
    process.clock.after(between(network.options.rng, 0.1, 1.5), () => this.#open(call, user));
  }

  stop(): void {
    this.#isOver = true;
    this.#inner?.stop();
    this.#forget();
  }

  break(): void {
    if (this.#isOver) return;
    this.stop();
    this.#process.clock.after(between(this.#network.options.rng, 1, 50), () => this.#sink.onEnd(reset()));
  }

  #open(call: WatchCall, user: UserInfo): void {
    if (this.#isOver) return;
    const generation = this.#network.options.server.current;
    if (generation === undefined || this.link.isCut) return this.break();
    const forget = generation.process.onDeath(() => this.break());
    const inner = generation.api.pipeline.watch(call, user, {
      onEvent: (event) => this.#deliver({ event: event as WatchEvent }),
      onEnd: (end) => this.#deliver({ end }),
    });
    this.#inner = {
      stop: () => {
        inner.stop();
        if (generation.process.isAlive) forget();
      },
    };
  }

  #deliver(delivery: Delivery): void {
    const { clock } = this.#process;
    const { rng } = this.#network.options;
    const lagMs = this.link.isFaulty ? this.#network.faults.watchLagMs : 3;
    this.#lastDueMs = Math.max(this.#lastDueMs, clock.monotonic() + between(rng, 0.1, lagMs));
    clock.after(this.#lastDueMs - clock.monotonic(), () => this.#hand(delivery));
  }

  #hand(delivery: Delivery): void {
    if (this.#isOver) return;
    if ("event" in delivery) return this.#sink.onEvent(delivery.event);
    this.stop();
    this.#sink.onEnd(delivery.end);
  }
}
