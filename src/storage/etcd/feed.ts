import type { Clock } from "#lib/clock.ts";
import type { GrpcError } from "#lib/grpc/grpc-error.ts";
import type { Logger } from "#lib/logger.ts";
import { CompactedError } from "../store.ts";
import type { EtcdConnection } from "./connection.ts";
import { ALL_KEYS, type EtcdEvent } from "./messages.ts";
import { startAfter, watchAll } from "./watch.ts";

export interface FeedOptions {
  readonly connection: EtcdConnection;
  /** What is known already: events come from the next revision on. */
  readonly revision: number;
  readonly deliver: (events: readonly EtcdEvent[]) => void;
  /** The events cannot go on where they stopped. Called at most once, and nothing is delivered afterwards. */
  readonly onLost: (error: Error) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting {
  readonly revision: number;
  readonly resolve: (reached: boolean) => void;
}

const VERIFY_TIMEOUT_MS = 5000;

/** This process's one watch: every event once and in order, across broken streams and endpoints. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #stopping = new AbortController();
  #revision: number;
  #waiting: Waiting[] = [];
  #end: (() => void) | undefined;
  /** Streams in a row that broke before etcd answered anything else. */
  #failures = 0;
  #fault: string | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#revision = options.revision;
  }

  /** All events up to this revision have been delivered. */
  get revision(): number {
    return this.#revision;
  }

  /** Why it does not go on now. */
  get fault(): string | undefined {
    return this.#fault;
  }

  start(): void {
    this.#watch(this.#revision + 1, () => {});
  }

  /** Whether `revision` was delivered before `endMs` of the monotonic clock, and before the feed was stopped. */
  reached(revision: number, endMs: number): Promise<boolean> {
    if (revision <= this.#revision) return Promise.resolve(true);
    if (this.#stopping.signal.aborted) return Promise.resolve(false);
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.after(Math.max(0, endMs - clock.monotonic()), () => this.#settle((each) => each === waiting, false));
      const waiting: Waiting = {
        revision,
        resolve: (reached) => {
          timer.cancel();
          resolve(reached);
        },
      };
      this.#waiting.push(waiting);
    });
  }

  stop(): void {
    this.#stopping.abort();
    this.#end?.();
    this.#settle(() => true, false);
  }

  #watch(startRevision: number, onCreated: () => void): void {
    this.#end = watchAll(this.#options.connection, startRevision, {
      created: onCreated,
      events: (events) => this.#take(events),
      ended: (error) => this.#ended(error),
    });
  }

  #take(events: readonly EtcdEvent[]): void {
    const from = events.findIndex(({ kv }) => kv.modRevision > this.#revision);
    if (from < 0) return; // seen before the stream broke
    const news = from === 0 ? events : events.slice(from);
    this.#revision = news.at(-1)!.kv.modRevision; // first: a watch that begins meanwhile reads these from the history
    this.#options.deliver(news);
    this.#settle(({ revision }) => revision <= this.#revision, true);
  }

  #ended(error: GrpcError | CompactedError): void {
    if (this.#stopping.signal.aborted) return;
    if (error instanceof CompactedError) return this.#lose(error);
    if (this.#fault === undefined) this.#options.logger.warn("the watch on etcd broke", { revision: this.#revision, error: error.message });
    this.#fault = error.message;
    void this.#resume();
  }

  async #resume(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      await this.#options.connection.pause(++this.#failures, signal);
    } catch {
      return; // stopped
    }
    this.#watch(startAfter(this.#revision), () => void this.#verify());
  }

  /** A watch from the future is silent: it would hide that etcd was set back, as by an old backup, or is another one. */
  async #verify(): Promise<void> {
    const { connection, logger } = this.#options;
    const { signal } = this.#stopping;
    const end = this.#end;
    try {
      const { header } = await connection.read({ ...ALL_KEYS, countOnly: true }, VERIFY_TIMEOUT_MS, signal);
      this.#failures = 0;
      this.#fault = undefined;
      logger.info("the watch on etcd goes on", { revision: this.#revision });
      if (header.revision < this.#revision) this.#lose(new Error(`etcd is at revision ${header.revision}, but has been at ${this.#revision}`));
    } catch (error) {
      if (signal.aborted) return;
      if (connection.isReplaced()) return this.#lose(error as Error);
      if (this.#end !== end) return; // the stream broke meanwhile, and its successor is verified
      end?.();
      void this.#resume();
    }
  }

  #lose(error: Error): void {
    if (this.#stopping.signal.aborted) return;
    this.stop();
    this.#options.onLost(error);
  }

  #settle(which: (waiting: Waiting) => boolean, reached: boolean): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter(which);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((each) => !which(each));
    for (const { resolve } of due) resolve(reached);
  }
}
