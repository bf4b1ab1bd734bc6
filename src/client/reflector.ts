import type { Resource } from "#api/resources.ts";
import type { KubeList, KubeObject } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import type { Scope } from "#client/informer.ts";
import type { WatchEvent, WatchSink } from "#client/transport.ts";
import { type Clock, sleep, type Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";

const BASE_RETRY_MS = 100;
const MAX_RETRY_MS = 30_000;
/** Upstream's page. */
const PAGE = 500;
/** A watch that ends sooner counts as a failure, so that a server that hangs up at once is not called in a loop. */
const SHORT_WATCH_MS = 1_000;

/** Where a reflector puts what it learns. */
export interface ReflectorSink {
  /** The whole state, in place of whatever was known. */
  replaced(objects: readonly KubeObject[], resourceVersion: string): void;
  event(event: WatchEvent): void;
}

export interface ReflectorDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
}

/** Keeps a sink current for one resource: lists, then watches from there; lists again when the history is gone. */
export class Reflector {
  readonly #resource: Resource;
  readonly #scope: Scope;
  readonly #sink: ReflectorSink;
  readonly #deps: ReflectorDeps;
  readonly #abort = new AbortController();
  #failures = 0;
  #resourceVersion: string | undefined;
  #watch: { stop(): void } | undefined;
  #timer: Timer | undefined;

  constructor(resource: Resource, scope: Scope, sink: ReflectorSink, deps: ReflectorDeps) {
    this.#resource = resource;
    this.#scope = scope;
    this.#sink = sink;
    this.#deps = deps;
  }

  start(): void {
    void this.#step();
  }

  stop(): void {
    this.#abort.abort();
    this.#timer?.cancel();
    this.#watch?.stop();
  }

  async #step(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    if (this.#resourceVersion !== undefined) return this.#startWatch(this.#resourceVersion);
    let list: KubeList;
    try {
      list = await this.#list();
    } catch (error) {
      return this.#retry("list failed", error);
    }
    if (this.#abort.signal.aborted) return;
    this.#resourceVersion = list.metadata.resourceVersion ?? "0";
    this.#sink.replaced(list.items, this.#resourceVersion);
    this.#startWatch(this.#resourceVersion);
  }

  /** In pages, with a turn for others between them: decoding a hundred thousand objects takes seconds. */
  async #list(): Promise<KubeList> {
    const { client, clock } = this.#deps;
    const { signal } = this.#abort;
    let page = await client.list(this.#resource, { ...this.#scope, limit: PAGE });
    if (!page.metadata.continue) return page;
    const items = [...page.items];
    while (page.metadata.continue && !signal.aborted) {
      await sleep(clock, 0, signal);
      page = await client.list(this.#resource, { ...this.#scope, limit: PAGE, continue: page.metadata.continue });
      for (const item of page.items) items.push(item);
    }
    return { ...page, items };
  }

  /** Events may come before `watch` returns: in process they are given synchronously. */
  #startWatch(resourceVersion: string): void {
    const startedMs = this.#deps.clock.monotonic();
    let over = false;
    const sink: WatchSink = {
      onEvent: (event) => {
        if (over || this.#abort.signal.aborted) return;
        this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
        this.#failures = 0;
        this.#sink.event(event);
      },
      onEnd: (error) => {
        if (over) return;
        over = true;
        this.#watch = undefined;
        this.#afterWatch(error, this.#deps.clock.monotonic() - startedMs);
      },
    };
    try {
      const handle = this.#deps.client.watch({ resource: this.#resource, ...this.#scope, resourceVersion }, sink);
      if (!over) this.#watch = handle;
    } catch (error) {
      sink.onEnd(error as Error); // the resource is not served any more, perhaps
    }
  }

  #afterWatch(error: Error | undefined, lastedMs: number): void {
    if (this.#abort.signal.aborted) return;
    if (isStatus(error, "Expired", "Gone")) {
      this.#resourceVersion = undefined;
      return this.#later(this.#failures++ === 0 ? 0 : this.#delayMs());
    }
    if (error === undefined && lastedMs >= SHORT_WATCH_MS) {
      this.#failures = 0;
      return this.#later(0);
    }
    this.#retry("watch ended", error);
  }

  #retry(message: string, error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const retryMs = this.#delayMs();
    this.#failures++;
    this.#deps.logger.debug(message, { resource: this.#resource.plural, retryMs, error });
    this.#later(retryMs);
  }

  #later(delayMs: number): void {
    this.#timer = this.#deps.clock.after(delayMs, () => void this.#step());
  }

  /** Doubles with each failure in a row; jitter keeps many clients of a server that restarts apart. */
  #delayMs(): number {
    return Math.min(MAX_RETRY_MS, BASE_RETRY_MS * 2 ** Math.min(this.#failures, 10)) * (0.5 + this.#deps.rng() / 2);
  }
}
