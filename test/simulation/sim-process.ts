import type { Clock, Timer } from "#lib/clock.ts";
import { type Rng, seededRng } from "#lib/rng.ts";
import type { SimClock } from "#lib/sim-clock.ts";

/** A process (or machine) that can die at once: its timers go with it, and whoever waits for one of them waits forever. */
export class SimProcess {
  readonly clock: Clock;
  readonly #timers = new Set<Timer>();
  readonly #onDeath: (() => void)[] = [];
  #isAlive = true;

  /** @param skew how far its wall clock is off, now and at any time to come */
  constructor(clock: SimClock, skew: { readonly ms: number } = { ms: 0 }) {
    this.clock = {
      now: () => clock.now() + skew.ms,
      monotonic: () => clock.monotonic(),
      after: (delayMs, run) => this.#keep((done) => clock.after(delayMs, () => (done(), run()))),
      every: (periodMs, run) => this.#keep(() => clock.every(periodMs, run)),
    };
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** @returns a function that takes the listener off again */
  onDeath(listener: () => void): () => void {
    this.#onDeath.push(listener);
    return () => void this.#onDeath.splice(this.#onDeath.indexOf(listener), 1);
  }

  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const listener of [...this.#onDeath]) listener();
  }

  /** What `promise` comes to, unless the process dies before: then it never comes to anything. */
  async living<T>(promise: Promise<T>): Promise<T> {
    const value = await promise;
    return this.#isAlive ? value : new Promise<never>(() => {});
  }

  #keep(start: (done: () => void) => Timer): Timer {
    if (!this.#isAlive) return { cancel() {} };
    const timer: Timer = start(() => this.#timers.delete(timer));
    this.#timers.add(timer);
    return {
      cancel: () => {
        timer.cancel();
        this.#timers.delete(timer);
      },
    };
  }
}

/** A generator of its own for each part of a run: what one part draws does not change what the others meet. */
export function forkedRng(seed: number, part: string): Rng {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < part.length; i++) hash = Math.imul(hash ^ part.charCodeAt(i), 0x01000193);
  return seededRng(hash);
}

export const pick = <T>(rng: Rng, items: readonly T[]): T | undefined => items[Math.floor(rng() * items.length)];
export const between = (rng: Rng, from: number, to: number): number => from + rng() * (to - from);

/** Lets every promise that can go on do so; nothing in the control plane waits for anything but promises and the clock. */
export const drained = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
