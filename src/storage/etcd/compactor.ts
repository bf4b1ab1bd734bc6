import type { EtcdConnection } from "./connection.ts";
import { isCompacted } from "./errors.ts";
import { COMPARE_VERSION, keyBytes } from "./messages.ts";

const COMPACT_REVISION_KEY = keyBytes("compact_rev_key");

/**
 * Compacts in turn with whoever else does, upstream's servers included: the version of a key is the logical time, and
 * only who knows the current one may compact.
 *
 * @see kubernetes apiserver pkg/storage/etcd3/compact.go
 */
export class Compactor {
  readonly #connection: EtcdConnection;
  /** The key's version when we last looked. */
  #version: number;

  private constructor(connection: EtcdConnection, version: number) {
    this.#connection = connection;
    this.#version = version;
  }

  static async open(connection: EtcdConnection, timeoutMs: number): Promise<Compactor> {
    const { kvs } = await connection.read({ key: COMPACT_REVISION_KEY }, timeoutMs);
    return new Compactor(connection, kvs[0]?.version ?? 0);
  }

  /** Leaves it to the other when somebody has compacted since our last turn. */
  async compact(revision: number): Promise<void> {
    if (revision <= 0) return;
    const { succeeded, responses } = await this.#connection.call("txn", {
      compare: [{ target: COMPARE_VERSION, key: COMPACT_REVISION_KEY, version: this.#version }],
      success: [{ put: { key: COMPACT_REVISION_KEY, value: Buffer.from(String(revision)) } }],
      failure: [{ range: { key: COMPACT_REVISION_KEY } }],
    });
    this.#version = succeeded ? this.#version + 1 : (responses[0]?.range?.kvs[0]?.version ?? 0);
    if (!succeeded) return;
    try {
      await this.#connection.call("compact", { revision });
    } catch (error) {
      if (!isCompacted(error)) throw error;
    }
  }
}
