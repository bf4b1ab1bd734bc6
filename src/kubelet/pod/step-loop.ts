import type { Clock, Timer } from "#lib/clock.ts";

export interface StepLoopOptions {
  readonly clock: Clock;
  /** One step; the next begins only after it has ended. */
  readonly step: (signal: AbortSignal) => Promise<void>;
  /** A step failed; `interrupted` when it was told to give up. */
  readonly onError: (error: unknown, interrupted: boolean) => void;
}

const RETRY_MS = 1000;
const MAX_RETRY_MS = 10_000;

/** Takes one step after the other as long as there is reason to; reasons that come during a step make for one more. */
export class StepLoop {
  readonly #options: StepLoopOptions;
  #due = false;
  #running = false;
  #failures = 0;
  #stopped = false;
  #timer: { readonly handle: Timer; readonly dueMs: number } | undefined;
  #interrupt = new AbortController();

  constructor(options: StepLoopOptions) {
    this.#options = options;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** There is reason for a step. It never begins within this call, which may come from an informer's handler. */
  kick(): void {
    this.#due = true;
    if (!this.#running && !this.#stopped) void this.#run();
  }

  /** A step is due in `delayMs`, unless an earlier one is. */
  kickAfter(delayMs: number): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonic() + delayMs;
    if (this.#timer !== undefined && this.#timer.dueMs <= dueMs) return;
    this.#timer?.handle.cancel();
    const fire = () => {
      this.#timer = undefined;
      this.kick();
    };
    this.#timer = { dueMs, handle: clock.after(delayMs, fire) };
  }

  /** Tells the step under way to give up what it waits for. */
  interrupt(): void {
    this.#interrupt.abort();
  }

  stop(): void {
    this.#stopped = true;
    this.#interrupt.abort();
    this.#timer?.handle.cancel();
  }

  async #run(): Promise<void> {
    this.#running = true;
    await null;
    while (this.#due && !this.#stopped) {
      this.#due = false;
      this.#interrupt = new AbortController();
      const { signal } = this.#interrupt;
      try {
        await this.#options.step(signal);
        this.#failures = 0;
      } catch (error) {
        if (this.#stopped) break;
        if (!signal.aborted) this.kickAfter(Math.min(RETRY_MS * 2 ** this.#failures++, MAX_RETRY_MS));
        this.#options.onError(error, signal.aborted);
      }
    }
    this.#running = false;
  }
}

/** Waits for `work`, but no longer than until `signal` aborts. */
export function interruptible<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
