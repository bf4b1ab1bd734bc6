import type { PriorityLevelConfiguration } from "#api/flowcontrol-v1/types.ts";
import type { Clock, Timer } from "#lib/clock.ts";

export type RejectReason = "concurrency-limit" | "queue-full" | "time-out" | "cancelled";

/** A request that is not served now; its client may come again. */
export class TooManyRequests extends Error {
  override readonly name = "TooManyRequests";
  readonly reason: RejectReason;

  constructor(reason: RejectReason) {
    super("Too many requests, please try again later.");
    this.reason = reason;
  }
}

/** A quarter of the time that a request may take. */
export const MAX_WAIT_MS = 15_000;

/** What of the object counts here. */
export interface LevelObject extends Pick<PriorityLevelConfiguration, "spec"> {
  readonly metadata: { readonly name: string; readonly uid: string };
}

interface Waiter {
  readonly admit: () => void;
  readonly reject: (reason: RejectReason) => void;
}

/** Seats of one priority level, and the queues in front of them: served in turn, so that a flow that fills its own costs others nothing. */
export class PriorityLevel {
  readonly name: string;
  uid = "";
  /** Served at once, whatever happens. */
  exempt = false;
  /** By its shares. */
  nominalSeats = 0;
  /** Of its own, how many others may use; of others', how many it may. */
  lendableSeats = 0;
  borrowableSeats = Infinity;
  running = 0;
  waiting = 0;
  readonly rejected = new Map<RejectReason, number>();
  dispatched = 0;
  #queues: Waiter[][] = [];
  #handSize = 0;
  #queueLimit = 0;
  /** Queues that are not empty, in the order in which they are served. */
  readonly #turn: Waiter[][] = [];
  readonly #clock: Clock;
  readonly #siblings: () => Iterable<PriorityLevel>;

  /** @param siblings all levels, this one included */
  constructor(name: string, clock: Clock, siblings: () => Iterable<PriorityLevel>) {
    this.name = name;
    this.#clock = clock;
    this.#siblings = siblings;
  }

  /** Takes its settings over; what runs and waits goes on. */
  configure({ metadata, spec }: LevelObject, nominalSeats: number): void {
    this.uid = metadata.uid;
    this.exempt = spec.type === "Exempt";
    this.nominalSeats = nominalSeats;
    const { limited } = spec;
    const { lendablePercent = 0 } = limited ?? spec.exempt ?? {};
    const borrowingLimitPercent = limited?.borrowingLimitPercent;
    this.lendableSeats = Math.round((nominalSeats * lendablePercent) / 100);
    this.borrowableSeats = borrowingLimitPercent === undefined ? Infinity : Math.round((nominalSeats * borrowingLimitPercent) / 100);
    const { queues = 0, handSize = 1, queueLengthLimit = 0 } = limited?.limitResponse.queuing ?? {};
    this.#handSize = Math.min(handSize, queues);
    this.#queueLimit = queueLengthLimit;
    if (this.#queues.length !== queues) this.#queues = Array.from({ length: queues }, () => []); // those in use are emptied by turns
    this.#serve();
  }

  /**
   * Takes a seat; `leave()` gives it back.
   *
   * @param signal aborts when the client is gone
   * @returns a promise when there is none yet
   * @throws {TooManyRequests}
   */
  enter(flow: string, signal: () => AbortSignal): Promise<void> | undefined {
    if (this.exempt || (this.waiting === 0 && this.#hasSeat())) {
      this.#take();
      return undefined;
    }
    const queue = this.#shortest(flow);
    if (queue === undefined) throw this.#refusal("concurrency-limit");
    if (queue.length >= this.#queueLimit) throw this.#refusal("queue-full");
    return this.#wait(queue, signal());
  }

  leave(): void {
    this.running--;
    if (this.exempt && this.waiting === 0) return; // it borrows nothing
    this.#serve();
    // A seat that was borrowed goes back to who waits for it.
    for (const level of this.#siblings()) if (level.waiting > 0 && level !== this) level.#serve();
  }

  #wait(queue: Waiter[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined = undefined;
      const settle = () => {
        timer?.cancel();
        signal.removeEventListener("abort", cancel);
        this.waiting--;
      };
      const waiter: Waiter = {
        admit: () => {
          settle();
          this.#take();
          resolve();
        },
        reject: (reason) => {
          settle();
          this.#remove(queue, waiter);
          reject(this.#refusal(reason));
        },
      };
      const cancel = () => waiter.reject("cancelled");
      timer = this.#clock.after(MAX_WAIT_MS, () => waiter.reject("time-out"));
      signal.addEventListener("abort", cancel, { once: true });
      this.waiting++;
      if (queue.push(waiter) === 1) this.#turn.push(queue);
    });
  }

  #remove(queue: Waiter[], waiter: Waiter): void {
    queue.splice(queue.indexOf(waiter), 1);
    if (queue.length === 0) this.#turn.splice(this.#turn.indexOf(queue), 1);
  }

  #serve(): void {
    while (this.#turn.length > 0 && (this.exempt || this.#hasSeat())) {
      const queue = this.#turn.shift()!;
      const waiter = queue.shift()!;
      if (queue.length > 0) this.#turn.push(queue);
      waiter.admit();
    }
  }

  #take(): void {
    this.running++;
    this.dispatched++;
  }

  #hasSeat(): boolean {
    if (this.running < this.nominalSeats - this.lendableSeats) return true;
    if (this.running >= this.nominalSeats + this.borrowableSeats) return false;
    // What is lent and what is borrowed is one pool, in which one's own part comes first as far as it is free.
    let pool = 0;
    for (const level of this.#siblings()) {
      if (level.exempt) continue;
      pool += level.lendableSeats - Math.max(0, level.running - (level.nominalSeats - level.lendableSeats));
    }
    return pool > 0;
  }

  #refusal(reason: RejectReason): TooManyRequests {
    this.rejected.set(reason, (this.rejected.get(reason) ?? 0) + 1);
    return new TooManyRequests(reason);
  }

  /** Each flow has a hand of queues of its own; two flows seldom have the same, so that one that is flooded seldom fills another's. */
  #shortest(flow: string): Waiter[] | undefined {
    let best: Waiter[] | undefined;
    let state = hash(flow);
    const count = this.#queues.length;
    for (let card = 0; card < this.#handSize; card++) {
      state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + card;
      const queue = this.#queues[(state >>> 0) % count]!;
      if (best === undefined || queue.length < best.length) best = queue;
    }
    return best;
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state;
}
