import type { Entry, StoreEvent, WriteOp } from "../store.ts";
import type { EtcdEvent, KeyValue } from "./messages.ts";

const text = new TextDecoder();

export function entryOf({ key, value, createRevision, modRevision }: KeyValue): Entry {
  return { key: text.decode(key), value, createRevision, modRevision };
}

/** @param op the write of this process that made the event */
export function storeEventOf({ type, kv, prevKv }: EtcdEvent, key: string, op: WriteOp | undefined): StoreEvent {
  const put = type === 0;
  return {
    type: put ? "put" : "delete",
    key,
    value: op?.value ?? (put ? kv.value : (prevKv?.value ?? new Uint8Array())),
    revision: kv.modRevision,
    createRevision: put ? kv.createRevision : (prevKv?.createRevision ?? 0),
    ...(op?.attachment !== undefined && { attachment: op.attachment }),
  };
}

export const keyOf = (event: EtcdEvent): string => text.decode(event.kv.key);
