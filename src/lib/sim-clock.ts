import type { Clock, Timer } from "#lib/clock.ts";
import { Heap } from "#lib/heap.ts";

interface SimTimer {
  readonly dueMs: number;
  readonly sequence: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** A clock that moves only when told to; due timers run in order of time, then of creation. */
export class SimClock implements Clock {
  #nowMs: number;
  #sequence = 0;
  readonly #timers = new Heap<SimTimer>((a, b) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence));

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, run, isCancelled: false };
    this.#timers.push(timer);
    return { cancel: () => void (timer.isCancelled = true) };
  }

  every(periodMs: number, run: () => void): Timer {
    let timer: Timer;
    const again = () => {
      timer = this.after(periodMs, again);
      run();
    };
    timer = this.after(periodMs, again);
    return { cancel: () => timer.cancel() };
  }

  /** Moves time on by `durationMs`, running what falls due on the way. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    while (this.step(endMs));
    this.#nowMs = endMs;
  }

  /** Moves time on to the earliest timer and runs it; `false`, and nothing done, when none falls due up to `limitMs`. */
  step(limitMs = Infinity): boolean {
    while (this.#timers.peek()?.isCancelled) this.#timers.pop();
    const next = this.#timers.peek();
    if (next === undefined || next.dueMs > limitMs) return false;
    this.#timers.pop();
    this.#nowMs = next.dueMs;
    next.run();
    return true;
  }
}
