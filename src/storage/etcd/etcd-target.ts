import { GrpcError } from "#lib/grpc/grpc-error.ts";
import { type MigrationTarget, TargetNotEmptyError } from "../migration.ts";
import { type Entry, type Store, StoreFullError } from "../store.ts";
import { EtcdConnection, type EtcdConnectionOptions } from "./connection.ts";
import { isEndpointFailure, isFull } from "./errors.ts";
import { MIGRATION_KEY, openEtcdStore } from "./etcd-store.ts";
import { keyBytes, prefixEnd, type RequestOp } from "./messages.ts";

const ROOT = "/registry/";
const TIMEOUT_MS = 30_000;
/** Below etcd's limits of 128 operations and 1.5 MiB. */
const MAX_OPS = 100;
const MAX_BYTES = 1024 * 1024;
const IN_FLIGHT = 256;
const BETWEEN_COMPACTIONS = 100_000;

/**
 * A copy in etcd. Revisions there count writes and cannot be set, so it is written to until its revision is that of the
 * source: what clients have seen then lies in its past. `MIGRATION_KEY` stands there until all is complete.
 */
export class EtcdTarget implements MigrationTarget {
  readonly #options: EtcdConnectionOptions;
  readonly #connection: EtcdConnection;
  #mark: RequestOp[] = [];

  constructor(options: EtcdConnectionOptions) {
    this.#options = options;
    this.#connection = new EtcdConnection(options);
  }

  async begin(source: string, revision: number): Promise<void> {
    const mark = await this.#connection.read({ key: keyBytes(MIGRATION_KEY) }, TIMEOUT_MS);
    const content = await this.#connection.read({ key: keyBytes(ROOT), rangeEnd: prefixEnd(ROOT), countOnly: true }, TIMEOUT_MS);
    if (mark.kvs.length === 0 && content.count > 0)
      throw new TargetNotEmptyError(`${this.#options.endpoints.join(",")} holds ${content.count} objects already`);
    this.#mark = [{ put: { key: keyBytes(MIGRATION_KEY), value: Buffer.from(source) } }];
    await this.#write(this.#mark);
    await this.#write([{ deleteRange: { key: keyBytes(ROOT), rangeEnd: prefixEnd(ROOT) } }]);
    await this.#advance(revision);
  }

  async put(entries: readonly Entry[]): Promise<void> {
    let ops: RequestOp[] = [];
    let bytes = 0;
    for (const { key, value } of entries) {
      if (ops.length === MAX_OPS || (ops.length > 0 && bytes + value.length > MAX_BYTES)) {
        await this.#write(ops);
        ops = [];
        bytes = 0;
      }
      ops.push({ put: { key: keyBytes(key), value } });
      bytes += value.length;
    }
    await this.#write(ops);
  }

  open(): Promise<Store> {
    return openEtcdStore({ ...this.#options, onLost: () => {}, unfinished: true });
  }

  async complete(): Promise<void> {
    const store = await this.open();
    try {
      await store.compact(store.revision()); // nobody needs the history of the copy
    } finally {
      await store.close();
    }
    await this.#write([{ deleteRange: { key: keyBytes(MIGRATION_KEY) } }]);
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #advance(to: number): Promise<void> {
    let reached = await this.#write(this.#mark);
    while (reached < to) {
      reached = await this.#advanceInOneGo(reached, Math.min(to, reached + BETWEEN_COMPACTIONS));
      await this.#connection.call("compact", { revision: reached }); // each of them takes room until then
    }
  }

  async #advanceInOneGo(from: number, to: number): Promise<number> {
    let reached = from;
    let sent = 0;
    const push = async () => {
      while (reached + sent < to) {
        sent++;
        const revision = await this.#write(this.#mark);
        sent--;
        reached = Math.max(reached, revision);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, push));
    return reached;
  }

  /** Writes that may be repeated. @returns the revision */
  async #write(success: readonly RequestOp[]): Promise<number> {
    const endMs = this.#options.clock.monotonic() + TIMEOUT_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.#connection.call("txn", { compare: [], success, failure: [] })).header.revision;
      } catch (error) {
        if (error instanceof GrpcError && isFull(error)) throw new StoreFullError(`no room to write: ${error.description}`, { cause: error });
        if (!isEndpointFailure(error)) throw error;
        if (this.#options.clock.monotonic() >= endMs) throw this.#connection.unreachable(error);
      }
      await this.#connection.pause(attempt);
    }
  }
}
