import type { Clock } from "#lib/clock.ts";
import { GrpcError } from "#lib/grpc/grpc-error.ts";
import { type CommitResult, OutcomeUnknownError, StoreFullError, type WriteOp } from "../store.ts";
import type { EtcdConnection } from "./connection.ts";
import { entryOf } from "./entries.ts";
import { isEndpointFailure, isFull, wasNotTaken } from "./errors.ts";
import type { Feed } from "./feed.ts";
import { ALL_KEYS, type EtcdEvent, type TxnResponse } from "./messages.ts";
import { KeyedTurns, Transaction } from "./transaction.ts";

/** How long a write may take, endpoints that fail included. */
const COMMIT_TIMEOUT_MS = 20_000;
/** Transactions on the wire at once; more wait. */
const MAX_IN_FLIGHT = 512;

/**
 * Writes: side by side, but in order where they share a key. A write whose answer was lost is resolved: by this process's
 * own watch, which shows it if it took effect, or by sending it again where its expectation makes that harmless.
 */
export class Committer {
  readonly #connection: EtcdConnection;
  readonly #feed: Feed;
  readonly #clock: Clock;
  readonly #turns = new KeyedTurns();
  readonly #byKey = new Map<string, Transaction>();
  readonly #stopping = new AbortController();
  readonly #pending = new Set<Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;

  constructor(connection: EtcdConnection, feed: Feed, clock: Clock) {
    this.#connection = connection;
    this.#feed = feed;
    this.#clock = clock;
  }

  commit(ops: readonly WriteOp[]): Promise<CommitResult> {
    const keys = ops.map(({ key }) => key);
    const result = this.#turns.run(keys, () => this.#perform(new Transaction(ops), keys));
    const settled = result.catch(() => {}).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
    return result;
  }

  /** The op of this process that made an event, while its caller still waits. */
  claim(event: EtcdEvent, key: string): WriteOp | undefined {
    return this.#byKey.get(key)?.claim(event, key);
  }

  /** Resolves when no write is pending any more; those that fail are not tried again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#pending);
  }

  async #perform(transaction: Transaction, keys: readonly string[]): Promise<CommitResult> {
    if (this.#inFlight >= MAX_IN_FLIGHT) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inFlight++;
    for (const key of keys) this.#byKey.set(key, transaction);
    try {
      return await this.#attempts(transaction);
    } finally {
      for (const key of keys) this.#byKey.delete(key);
      this.#inFlight--;
      this.#waiting.shift()?.();
    }
  }

  async #attempts(transaction: Transaction): Promise<CommitResult> {
    const endMs = this.#clock.monotonic() + COMMIT_TIMEOUT_MS;
    let lost: GrpcError | undefined; // the error that stands for an answer, when the write may have taken effect
    for (let attempt = 1; ; attempt++) {
      try {
        if (lost !== undefined) {
          await this.#catchUp(endMs);
          if (transaction.revision !== undefined) return { ok: true, revision: transaction.revision };
          if (!transaction.repeatable) throw new OutcomeUnknownError(lost.description, { cause: lost });
        }
        return await this.#concluded(transaction, await this.#connection.call("txn", transaction.request), lost !== undefined, endMs);
      } catch (error) {
        if (!(error instanceof GrpcError)) throw error;
        if (!isEndpointFailure(error) && !isTransient(error))
          throw lost === undefined ? translated(error) : new OutcomeUnknownError(lost.description, { cause: lost });
        if (!wasNotTaken(error)) lost ??= error;
        if (this.#stopping.signal.aborted || this.#clock.monotonic() >= endMs) {
          throw lost === undefined ? this.#connection.unreachable(error) : new OutcomeUnknownError(lost.description, { cause: lost });
        }
      }
      await this.#connection.pause(attempt, this.#stopping.signal).catch(() => {}); // stopped: one last attempt
    }
  }

  /** Until the watch shows whatever has taken effect so far. */
  async #catchUp(endMs: number): Promise<void> {
    const { header } = await this.#connection.call("range", { ...ALL_KEYS, countOnly: true });
    await this.#feed.reached(header.revision, endMs);
  }

  async #concluded(transaction: Transaction, response: TxnResponse, repeated: boolean, endMs: number): Promise<CommitResult> {
    const { succeeded, header } = response;
    const seen = await this.#feed.reached(header.revision, endMs);
    if (succeeded) {
      if (!seen) throw new OutcomeUnknownError(`it was written as revision ${header.revision}, but this server has not seen it yet`);
      return { ok: true, revision: header.revision };
    }
    if (repeated && transaction.revision !== undefined) return { ok: true, revision: transaction.revision }; // the lost attempt did it
    if (repeated && !seen) throw new OutcomeUnknownError("what stands there may be of the attempt whose answer was lost");
    const { index, current } = transaction.refusal(response);
    return { ok: false, index, current: current && entryOf(current) };
  }
}

/** etcd asks for patience; it has not taken the write. */
function isTransient(error: GrpcError): boolean {
  return error.description === "etcdserver: too many requests";
}

function translated(error: GrpcError): Error {
  if (isFull(error)) return new StoreFullError(`no room to write: ${error.description}`, { cause: error });
  return error;
}
