import type { Clock } from "#lib/clock.ts";

/** A watch that has something to send. */
export interface PacedStream {
  /** Takes what waits. */
  takePending(): Buffer[];
  /** @param sharers how many streams are given these very bytes, this one included */
  write(bytes: Buffer, sharers: number): void;
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
    for (const { bytes, sharers } of joined(streams)) for (const stream of sharers) stream.write(bytes, sharers.length);
    this.#nextMs = this.#clock.monotonic() + Math.min(MAX_PAUSE_MS, Math.floor(streams.length / STREAMS_PER_MS));
  }
}

interface Joined {
  readonly bytes: Buffer;
  readonly sharers: PacedStream[];
}

/** Watchers of the same things stand in a row mostly, and are sent the same bytes. */
function joined(streams: readonly PacedStream[]): Joined[] {
  const all: Joined[] = [];
  let last: readonly Buffer[] = [];
  for (const stream of streams) {
    const frames = stream.takePending();
    if (frames.length === 0) continue;
    if (areSame(frames, last)) all.at(-1)!.sharers.push(stream);
    else all.push({ bytes: frames.length === 1 ? frames[0]! : Buffer.concat(frames), sharers: [stream] });
    last = frames;
  }
  return all;
}

function areSame(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
