import type { Clock } from "#lib/clock.ts";

/** Work that takes this long waits for something, and leaves its slot to others. */
const HELD_MS = 2000;

/** Lets so much work run at once, and no more; of what waits, the lowest rank goes first, and then whoever came first. */
export class StartSlots {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[][] = [];
  #free: number;

  constructor(count: number, clock: Clock) {
    this.#free = count;
    this.#clock = clock;
  }

  /** @param rank integer >= 0 */
  async run<T>(rank: number, work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => void (this.#waiting[rank] ??= []).push(resolve));
    let held = true;
    const release = () => {
      if (held) this.#passOn();
      held = false;
    };
    const timer = this.#clock.after(HELD_MS, release);
    try {
      return await work();
    } finally {
      timer.cancel();
      release();
    }
  }

  #passOn(): void {
    const next = this.#waiting.find((queue) => queue !== undefined && queue.length > 0)?.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
