import type { Clock, Timer } from "#lib/clock.ts";
import type { ProcessMemory } from "#lib/process-memory.ts";

const PERIOD_MS = 10_000;
/** Of one core: who uses less has nothing to do. */
const IDLE_SHARE = 0.05;
/** What has been done since the last time must be worth it: in processor time. */
const WORTH_MS = 3000;
/** So long another thread may take to free what was collected. */
const FREED_MS = 1000;
/** After so long V8 has done what it puts off in a collection. */
const SETTLED_MS = 25_000;
/** Collecting this much would take too long, even when nobody waits. */
const MAX_COLLECTED_BYTES = 256 * 1024 * 1024;

export interface IdleMemoryOptions {
  readonly clock: Clock;
  readonly memory: ProcessMemory;
  /** Processor time of this process so far. */
  readonly cpuMs: () => number;
  readonly heapBytes: () => number;
}

/**
 * Gives memory back when work is done: after the start, and after load. Under load, and when nothing has happened since the
 * last time, it does nothing.
 */
export class IdleMemory {
  readonly #options: IdleMemoryOptions;
  #seenMs: number;
  #returnedMs = -Infinity;
  #timer: Timer | undefined;
  #release: Timer | undefined;

  constructor(options: IdleMemoryOptions) {
    this.#options = options;
    this.#seenMs = options.cpuMs();
  }

  start(): void {
    this.#timer ??= this.#options.clock.every(PERIOD_MS, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#release?.cancel();
  }

  #look(): void {
    const { clock, memory, cpuMs, heapBytes } = this.#options;
    const now = cpuMs();
    const used = now - this.#seenMs;
    this.#seenMs = now;
    if (used > PERIOD_MS * IDLE_SHARE || now - this.#returnedMs < WORTH_MS) return;
    this.#returnedMs = now;
    this.#release?.cancel();
    if (heapBytes() <= MAX_COLLECTED_BYTES) memory.collectGarbage();
    this.#release = clock.after(FREED_MS, () => {
      memory.releaseFreed();
      memory.releaseCode();
      this.#seenMs = this.#returnedMs = cpuMs();
      this.#release = clock.after(SETTLED_MS, () => this.#releaseAgain());
    });
  }

  /** What the collection itself and its late work have used is not needed either. */
  #releaseAgain(): void {
    const { memory, cpuMs } = this.#options;
    if (cpuMs() - this.#returnedMs > SETTLED_MS * IDLE_SHARE) return;
    memory.releaseFreed();
    memory.releaseCode();
  }
}
