import type { Pod } from "#api/core-v1/types.ts";
import type { Clock, Timer } from "#lib/clock.ts";
import { Heap } from "#lib/heap.ts";

import type { ClusterEvent } from "../framework.ts";

/** A pod that waits for a node, and what the queue remembers of it. */
export interface QueuedPod {
  readonly pod: Pod;
  /** Tries so far. */
  readonly attempts: number;
  /** When it came into the queue, for order among equals. */
  readonly queuedAtMs: number;
}

interface Entry {
  pod: Pod;
  attempts: number;
  queuedAtMs: number;
  place: "active" | "backoff" | "unschedulable" | "inFlight";
  /** When the back-off ends. */
  readyAtMs: number;
  /** Events that may help, once refused. */
  wakesOn: ReadonlySet<ClusterEvent>;
  /** When it was refused. */
  refusedAtMs: number;
}

const INITIAL_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 10_000;
const MAX_UNSCHEDULABLE_MS = 5 * 60_000;
const UNSCHEDULABLE_FLUSH_MS = 30_000;

/** Delay before try number `attempts` + 1. */
export function backoffMs(attempts: number): number {
  return Math.min(MAX_BACKOFF_MS, INITIAL_BACKOFF_MS * 2 ** (attempts - 1));
}

/**
 * Pods that wait: ready ones by priority, then age; refused ones until an event that may help, but never before their
 * back-off is over, and never longer than five minutes.
 *
 * @see kubernetes pkg/scheduler/backend/queue/scheduling_queue.go
 */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #onReady: () => void;
  readonly #entries = new Map<string, Entry>();
  // Heaps hold stale items too: an item counts only while its entry is at that place.
  readonly #active = new Heap<Entry>(comesFirst);
  readonly #backoff = new Heap<Entry>((a, b) => a.readyAtMs < b.readyAtMs);
  readonly #unschedulable = new Set<Entry>();
  /** Events since a pod in flight was popped: its refusal may be out of date. */
  readonly #missed = new Map<Entry, Set<ClusterEvent>>();
  #backoffTimer: Timer | undefined;
  readonly #flushTimer: Timer;

  /** @param onReady called when a pod has become ready, perhaps more often than needed */
  constructor(clock: Clock, onReady: () => void) {
    this.#clock = clock;
    this.#onReady = onReady;
    this.#flushTimer = clock.every(UNSCHEDULABLE_FLUSH_MS, () => this.#flushLeftovers());
  }

  stop(): void {
    this.#flushTimer.cancel();
    this.#backoffTimer?.cancel();
  }

  /** Takes in a pod, or its new state; a change that may matter lets a refused pod try again. */
  set(pod: Pod): void {
    const known = this.#entries.get(pod.metadata.uid);
    if (known === undefined) return this.#add(pod);
    const isChanged = known.pod.metadata.generation !== pod.metadata.generation || labelText(known.pod) !== labelText(pod);
    known.pod = pod;
    if (isChanged) this.#wakeEntry(known, "podChanged");
  }

  delete(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#entries.delete(uid);
    this.#unschedulable.delete(entry);
    this.#missed.delete(entry);
  }

  /** The next pod to try; it stays in flight until `refused`, `failed` or `delete` says what became of it. */
  pop(): QueuedPod | undefined {
    for (let entry = this.#active.pop(); entry !== undefined; entry = this.#active.pop()) {
      if (entry.place !== "active" || this.#entries.get(entry.pod.metadata.uid) !== entry) continue;
      entry.place = "inFlight";
      entry.attempts++;
      this.#missed.set(entry, new Set());
      return { pod: entry.pod, attempts: entry.attempts, queuedAtMs: entry.queuedAtMs };
    }
    return undefined;
  }

  /** No node fits; `wakesOn` are the events that may change that. */
  refused(uid: string, wakesOn: ReadonlySet<ClusterEvent>): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    const missed = this.#missed.get(entry);
    this.#missed.delete(entry);
    entry.wakesOn = wakesOn;
    entry.refusedAtMs = this.#clock.monotonic();
    entry.readyAtMs = entry.refusedAtMs + backoffMs(entry.attempts);
    if (missed !== undefined && [...missed].some((event) => wakesOn.has(event))) return this.#toBackoff(entry);
    entry.place = "unschedulable";
    this.#unschedulable.add(entry);
  }

  /** The try came to nothing for a reason that is not the pod's: again after the back-off. */
  failed(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#missed.delete(entry);
    entry.readyAtMs = this.#clock.monotonic() + backoffMs(entry.attempts);
    this.#toBackoff(entry);
  }

  /** Lets pods try again that were refused for something that `event` may have changed. */
  wake(event: ClusterEvent): void {
    for (const missed of this.#missed.values()) missed.add(event);
    for (const entry of this.#unschedulable) if (entry.wakesOn.has(event)) this.#again(entry);
  }

  #add(pod: Pod): void {
    const nowMs = this.#clock.monotonic();
    const entry: Entry = { pod, attempts: 0, queuedAtMs: nowMs, place: "active", readyAtMs: nowMs, wakesOn: new Set(), refusedAtMs: nowMs };
    this.#entries.set(pod.metadata.uid, entry);
    this.#toActive(entry);
  }

  #wakeEntry(entry: Entry, event: ClusterEvent): void {
    this.#missed.get(entry)?.add(event);
    if (entry.place === "unschedulable" && entry.wakesOn.has(event)) this.#again(entry);
  }

  #again(entry: Entry): void {
    this.#unschedulable.delete(entry);
    if (entry.readyAtMs <= this.#clock.monotonic()) this.#toActive(entry);
    else this.#toBackoff(entry);
  }

  #toActive(entry: Entry): void {
    entry.place = "active";
    this.#active.push(entry);
    this.#onReady();
  }

  #toBackoff(entry: Entry): void {
    entry.place = "backoff";
    this.#backoff.push(entry);
    this.#armBackoffTimer();
  }

  #armBackoffTimer(): void {
    this.#backoffTimer?.cancel();
    const next = this.#backoff.peek();
    if (next === undefined) return;
    this.#backoffTimer = this.#clock.after(Math.max(0, next.readyAtMs - this.#clock.monotonic()), () => this.#endBackoffs());
  }

  #endBackoffs(): void {
    const nowMs = this.#clock.monotonic();
    for (let entry = this.#backoff.peek(); entry !== undefined && entry.readyAtMs <= nowMs; entry = this.#backoff.peek()) {
      this.#backoff.pop();
      if (entry.place === "backoff" && this.#entries.get(entry.pod.metadata.uid) === entry) this.#toActive(entry);
    }
    this.#armBackoffTimer();
  }

  #flushLeftovers(): void {
    const beforeMs = this.#clock.monotonic() - MAX_UNSCHEDULABLE_MS;
    for (const entry of this.#unschedulable) if (entry.refusedAtMs <= beforeMs) this.#again(entry);
  }
}

const labelText = (pod: Pod) => JSON.stringify(pod.metadata.labels ?? {});

function comesFirst(a: Entry, b: Entry): boolean {
  const [first, second] = [a.pod.spec.priority ?? 0, b.pod.spec.priority ?? 0];
  return first === second ? a.queuedAtMs < b.queuedAtMs : first > second;
}
