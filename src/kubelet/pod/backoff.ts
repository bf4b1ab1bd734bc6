/** Upstream's bounds for restarts and pulls. */
const BACKOFF_BASE_MS = 10_000;
const BACKOFF_MAX_MS = 300_000;

interface Entry {
  backoffMs: number;
  updatedMs: number;
}

/**
 * Delays that double with each failure of a key, and start anew after a long good time.
 *
 * @see client-go util/flowcontrol/backoff.go
 */
export class Backoff {
  readonly #entries = new Map<string, Entry>();
  readonly #baseMs: number;
  readonly #maxMs: number;

  constructor(baseMs = BACKOFF_BASE_MS, maxMs = BACKOFF_MAX_MS) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
  }

  /** The delay in force, 0 before the first failure. */
  get(key: string): number {
    return this.#entries.get(key)?.backoffMs ?? 0;
  }

  /** How long after `eventMs` the key must still wait; 0 when it may go on. */
  remainingSince(key: string, eventMs: number, nowMs: number): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#expired(entry, eventMs)) return 0;
    return Math.max(0, entry.backoffMs - (nowMs - eventMs));
  }

  /** Counts a failure at `eventMs`. */
  next(key: string, eventMs: number, nowMs: number): void {
    const entry = this.#entries.get(key);
    const backoffMs = entry === undefined || this.#expired(entry, eventMs) ? this.#baseMs : Math.min(entry.backoffMs * 2, this.#maxMs);
    this.#entries.set(key, { backoffMs, updatedMs: nowMs });
  }

  /** Forgets keys that begin with `prefix`: those of a pod that is gone. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #expired({ updatedMs }: Entry, eventMs: number): boolean {
    return eventMs - updatedMs > 2 * this.#maxMs;
  }
}

/** A duration as Go prints it: `10s`, `2m40s`, `1h0m0s`. */
export function goDuration(durationMs: number): string {
  const seconds = Math.round(durationMs) / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${Number((seconds % 60).toFixed(3))}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  if (minutes > 0) return `${minutes}m${rest}`;
  return seconds > 0 && seconds < 1 ? `${Math.round(durationMs)}ms` : rest;
}
