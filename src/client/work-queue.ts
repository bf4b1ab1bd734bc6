import type { Clock, Timer } from "#lib/clock.ts";
import { Heap } from "#lib/heap.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";
import type { ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";

const BASE_RETRY_MS = 5;
const MAX_RETRY_MS = 1_000_000;

/** An error that trying again cannot mend. */
export class TerminalError extends Error {
  override readonly name = "TerminalError";
}

export interface WorkQueueOptions {
  readonly name: string;
  /** Brings one object to where it should be; a throw is tried again with back-off. */
  readonly sync: (key: ObjectKey) => Promise<void>;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** No key is taken up after this aborts. */
  readonly signal?: AbortSignal;
  /** Keys worked on at the same time; default 5. */
  readonly workers?: number;
  /** Failures in a row after which a key waits for its next change; default: never. */
  readonly maxRetries?: number;
  /** The longest back-off; default 1000 s. */
  readonly maxRetryMs?: number;
}

/**
 * Keys to sync: each waits once, is worked on by one worker at a time, and is taken up again if it was added meanwhile.
 *
 * Work never starts within `add`: an informer's handler may call it while the API server publishes an event.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Set<ObjectKey>();
  readonly #active = new Set<ObjectKey>();
  readonly #again = new Set<ObjectKey>();
  readonly #failures = new Map<ObjectKey, number>();
  readonly #dueMs = new Map<ObjectKey, number>();
  readonly #due = new Heap<{ readonly key: ObjectKey; readonly dueMs: number }>((a, b) => a.dueMs < b.dueMs);
  #timer: { readonly handle: Timer; readonly dueMs: number } | undefined;
  #pumping = false;
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    if (options.signal?.aborted) this.stop();
    options.signal?.addEventListener("abort", () => this.stop(), { once: true });
  }

  /** Keys that wait or are worked on, without those added for later. */
  get size(): number {
    return this.#ready.size + this.#active.size;
  }

  add(key: ObjectKey): void {
    if (this.#stopped) return;
    if (this.#active.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#ready.add(key);
    this.#pump();
  }

  /** Adds `key` after `delayMs`; of several such calls the earliest counts. */
  addAfter(key: ObjectKey, delayMs: number): void {
    if (this.#stopped) return;
    if (delayMs <= 0) return this.add(key);
    const dueMs = this.#options.clock.monotonic() + delayMs;
    if ((this.#dueMs.get(key) ?? Infinity) <= dueMs) return;
    this.#dueMs.set(key, dueMs);
    this.#due.push({ key, dueMs });
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.handle.cancel();
    this.#ready.clear();
    this.#again.clear();
    this.#dueMs.clear();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      for (const key of this.#ready) {
        if (this.#active.size >= (this.#options.workers ?? 5)) break;
        this.#ready.delete(key);
        void this.#work(key);
      }
    });
  }

  async #work(key: ObjectKey): Promise<void> {
    this.#active.add(key);
    try {
      await this.#options.sync(key);
      this.#failures.delete(key);
    } catch (error) {
      this.#failed(key, error);
    }
    this.#active.delete(key);
    if (this.#again.delete(key)) this.add(key);
    else if (this.#ready.size > 0) this.#pump();
  }

  #failed(key: ObjectKey, error: unknown): void {
    const { name, logger, rng, maxRetries = Infinity, maxRetryMs = MAX_RETRY_MS } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    if (error instanceof TerminalError || failures >= maxRetries) {
      this.#failures.delete(key);
      logger.warn("gave up", { queue: name, key, error });
      return;
    }
    this.#failures.set(key, failures + 1);
    // Conflicts and objects gone meanwhile are everyday: the next look sees the newer state.
    const level = isStatus(error, "Conflict", "NotFound", "AlreadyExists") || failures < 3 ? "debug" : "warn";
    const retryMs = retryDelayMs(failures, { maxMs: maxRetryMs }) * (0.75 + rng() / 4);
    logger[level]("sync failed", { queue: name, key, retryMs: Math.round(retryMs), error });
    this.addAfter(key, retryMs);
  }

  /** One timer for the earliest key, however many wait. */
  #arm(): void {
    while (this.#due.size > 0 && this.#dueMs.get(this.#due.peek()!.key) !== this.#due.peek()!.dueMs) this.#due.pop();
    const next = this.#due.peek();
    if (next === undefined || (this.#timer !== undefined && this.#timer.dueMs <= next.dueMs)) return;
    this.#timer?.handle.cancel();
    const { clock } = this.#options;
    this.#timer = { dueMs: next.dueMs, handle: clock.after(Math.max(0, next.dueMs - clock.monotonic()), () => this.#fire()) };
  }

  #fire(): void {
    this.#timer = undefined;
    const nowMs = this.#options.clock.monotonic();
    for (let next = this.#due.peek(); next !== undefined && next.dueMs <= nowMs; next = this.#due.peek()) {
      this.#due.pop();
      if (this.#dueMs.get(next.key) !== next.dueMs) continue;
      this.#dueMs.delete(next.key);
      this.add(next.key);
    }
    this.#arm();
  }
}

/**
 * Delay before the next attempt: doubles with each failure in a row.
 *
 * @param failures failures in a row so far, integer >= 0
 * @returns milliseconds, `baseMs` up to `maxMs`
 * @see kubernetes/client-go util/workqueue/default_rate_limiters.go
 */
export function retryDelayMs(failures: number, { baseMs = BASE_RETRY_MS, maxMs = MAX_RETRY_MS } = {}): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures, 40));
}
