import type { Clock } from "#lib/clock.ts";

/** A watch that has something to send. */
export interface PacedStream {
  /** Takes what waits. */
  takePending(): Buffer[];
  write(bytes: Buffer): void;
}

/** So many watches can be served in a millisecond, and leave most of it to others. */
const STREAMS_PER_MS = 50;
const MAX_PAUSE_MS = 20;

/**
 * Sends what has come for watches. What comes alone goes out at once; where many watches have just been served, what comes
 * next waits some milliseconds for more: a thousand watchers of everything cost the same for one event as for five.
 */
export class WatchPacer {
  readonly #clock: Clock;
  #due: PacedStream[] = [];
  #scheduled = false;
  #nextMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called once for each stream, until it has been flushed. */
  add(stream: PacedStream): void {
    this.#due.push(stream);
    if (this.#scheduled) return;
    this.#scheduled = true;
    const pauseMs = this.#nextMs - this.#clock.monotonic();
    if (pauseMs <= 0) queueMicrotask(() => this.#flush());
    else this.#clock.after(Math.min(pauseMs, MAX_PAUSE_MS), () => this.#flush());
  }

  #flush(): void {
    const streams = this.#due;
    this.#due = [];
    this.#scheduled = false;
    const joiner = new Joiner();
    for (const stream of streams) {
      const frames = stream.takePending();
      if (frames.length > 0) stream.write(joiner.join(frames));
    }
    this.#nextMs = this.#clock.monotonic() + Math.min(MAX_PAUSE_MS, Math.floor(streams.length / STREAMS_PER_MS));
  }
}

/** Watchers of the same things are sent the same bytes: those of the one before, where the frames are the same. */
class Joiner {
  #frames: readonly Buffer[] = [];
  #joined: Buffer = Buffer.alloc(0);

  join(frames: readonly Buffer[]): Buffer {
    if (frames.length === 1) return frames[0]!;
    if (!areSame(frames, this.#frames)) {
      this.#frames = frames;
      this.#joined = Buffer.concat(frames);
    }
    return this.#joined;
  }
}

function areSame(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
