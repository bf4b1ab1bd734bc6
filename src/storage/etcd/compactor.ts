import type { EtcdConnection } from "./connection.ts";
import { isCompacted } from "./errors.ts";
import { COMPARE_VERSION, keyBytes, type KeyValue } from "./messages.ts";

const COMPACT_REVISION_KEY = keyBytes("compact_rev_key");
/** Revisions; a longer history takes a start too long to read. */
const MAX_HISTORY = 20_000;

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
  #revision: number;

  private constructor(connection: EtcdConnection, version: number, revision: number) {
    this.#connection = connection;
    this.#version = version;
    this.#revision = revision;
  }

  /** @param now etcd's revision */
  static async open(connection: EtcdConnection, now: number, timeoutMs: number): Promise<Compactor> {
    const { kvs } = await connection.read({ key: COMPACT_REVISION_KEY }, timeoutMs);
    const told = Math.max(1, revisionOf(kvs[0])); // nobody has compacted yet: from the beginning
    const usable = told <= now && now - told <= MAX_HISTORY && (await isReadable(connection, told, timeoutMs));
    return new Compactor(connection, kvs[0]?.version ?? 0, usable ? told : now);
  }

  /** Where the history begins that is worth reading: at the last compaction, unless that is unknown or long ago. */
  get revision(): number {
    return this.#revision;
  }

  /** Leaves it to the other when somebody has compacted since our last turn. */
  async compact(revision: number): Promise<void> {
    if (revision <= 0) return;
    const { succeeded, responses } = await this.#connection.call("txn", {
      compare: [{ target: COMPARE_VERSION, key: COMPACT_REVISION_KEY, version: this.#version }],
      success: [{ put: { key: COMPACT_REVISION_KEY, value: Buffer.from(String(revision)) } }],
      failure: [{ range: { key: COMPACT_REVISION_KEY } }],
    });
    const current = responses[0]?.range?.kvs[0];
    this.#version = succeeded ? this.#version + 1 : (current?.version ?? 0);
    this.#revision = Math.max(this.#revision, succeeded ? revision : revisionOf(current));
    if (!succeeded) return;
    try {
      await this.#connection.call("compact", { revision });
    } catch (error) {
      if (!isCompacted(error)) throw error;
    }
  }
}

/** The key's value is the revision, in digits. */
function revisionOf(kv: KeyValue | undefined): number {
  const text = kv === undefined ? "" : Buffer.from(kv.value).toString();
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** Somebody who does not know the key may have compacted, too. */
async function isReadable(connection: EtcdConnection, revision: number, timeoutMs: number): Promise<boolean> {
  try {
    await connection.read({ key: COMPACT_REVISION_KEY, revision }, timeoutMs);
    return true;
  } catch (error) {
    if (isCompacted(error)) return false;
    throw error;
  }
}
