import type { WriteOp } from "../store.ts";
import { COMPARE_MOD_REVISION, type EtcdEvent, type KeyValue, keyBytes, type RequestOp, type TxnRequest, type TxnResponse } from "./messages.ts";

/** A transaction on its way: what is asked of etcd, and what this process's own watch has shown of it. */
export class Transaction {
  readonly ops: readonly WriteOp[];
  readonly request: TxnRequest;
  /** Sending it again does no harm: once done, its own expectation does not hold any more. */
  readonly repeatable: boolean;
  readonly #shown = new Set<WriteOp>();
  #shownRevision = 0;

  constructor(ops: readonly WriteOp[]) {
    this.ops = ops;
    this.request = requestOf(ops);
    this.repeatable = ops.some(({ value, expected }) => expected !== undefined && (value !== undefined || expected > 0));
  }

  /** The op that made this event, if it is one of this transaction's; each is found once. */
  claim({ type, kv, prevKv }: EtcdEvent, key: string): WriteOp | undefined {
    const op = this.ops.find((each) => each.key === key);
    if (op === undefined || this.#shown.has(op) || (op.value === undefined) !== (type === 1)) return undefined;
    if (op.expected !== undefined && op.expected !== (prevKv?.modRevision ?? 0)) return undefined;
    if (op.value !== undefined && Buffer.compare(op.value, kv.value) !== 0) return undefined;
    if (this.#shown.size > 0 && this.#shownRevision !== kv.modRevision) return undefined;
    this.#shown.add(op);
    this.#shownRevision = kv.modRevision;
    return op;
  }

  /** The revision at which the watch has shown all of it; deletes of what is not there do not show. */
  get revision(): number | undefined {
    const whole = this.#shown.size > 0 && this.ops.every((op) => op.value === undefined || this.#shown.has(op));
    return whole ? this.#shownRevision : undefined;
  }

  /** Of a refusal: the first op whose expectation failed, and what stands there. */
  refusal({ responses }: TxnResponse): { readonly index: number; readonly current: KeyValue | undefined } {
    let response = 0;
    for (const [index, { expected }] of this.ops.entries()) {
      if (expected === undefined) continue;
      const current = responses[response++]?.range?.kvs[0];
      if ((current?.modRevision ?? 0) !== expected) return { index, current };
    }
    throw new Error("etcd refused a transaction all of whose expectations hold");
  }
}

function requestOf(ops: readonly WriteOp[]): TxnRequest {
  const expecting = ops.filter(({ expected }) => expected !== undefined);
  return {
    compare: expecting.map(({ key, expected = 0 }) => ({ target: COMPARE_MOD_REVISION, key: keyBytes(key), modRevision: expected })),
    success: ops.map(({ key, value }): RequestOp => (value === undefined ? { deleteRange: { key: keyBytes(key) } } : { put: { key: keyBytes(key), value } })),
    failure: expecting.map(({ key }) => ({ range: { key: keyBytes(key) } })),
  };
}

/** Lets transactions that share a key take effect in the order of the calls; the others go side by side. */
export class KeyedTurns {
  readonly #last = new Map<string, Promise<void>>();

  async run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = keys.flatMap((key) => this.#last.get(key) ?? []);
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const key of keys) this.#last.set(key, promise);
    try {
      if (before.length > 0) await Promise.all(before);
      return await work();
    } finally {
      for (const key of keys) if (this.#last.get(key) === promise) this.#last.delete(key);
      resolve();
    }
  }
}
