import type { ProtoField, ProtoTable } from "#apimachinery/protobuf/codec.ts";

const one = (number: number, name: string, type: string): ProtoField => ({ name, number, type });
const many = (number: number, name: string, type: string): ProtoField => ({ name, number, type, repeated: true });

/**
 * The part of etcd's API v3 that the store speaks.
 *
 * @see etcd api/etcdserverpb/rpc.proto, api/mvccpb/kv.proto
 */
export const ETCD: ProtoTable = {
  messages: {
    ResponseHeader: { fields: [one(1, "clusterId", "uint64"), one(3, "revision", "int64")] },
    KeyValue: {
      fields: [one(1, "key", "bytes"), one(2, "createRevision", "int64"), one(3, "modRevision", "int64"), one(4, "version", "int64"), one(5, "value", "bytes")],
    },
    Event: { fields: [one(1, "type", "EventType"), one(2, "kv", "KeyValue"), one(3, "prevKv", "KeyValue")] },
    RangeRequest: {
      fields: [one(1, "key", "bytes"), one(2, "rangeEnd", "bytes"), one(3, "limit", "int64"), one(4, "revision", "int64"), one(9, "countOnly", "bool")],
    },
    RangeResponse: { fields: [one(1, "header", "ResponseHeader"), many(2, "kvs", "KeyValue"), one(4, "count", "int64")] },
    PutRequest: { fields: [one(1, "key", "bytes"), one(2, "value", "bytes")] },
    DeleteRangeRequest: { fields: [one(1, "key", "bytes"), one(2, "rangeEnd", "bytes")] },
    Compare: {
      fields: [one(1, "result", "int64"), one(2, "target", "int64"), one(3, "key", "bytes"), one(4, "version", "int64"), one(6, "modRevision", "int64")],
    },
    RequestOp: { fields: [one(1, "range", "RangeRequest"), one(2, "put", "PutRequest"), one(3, "deleteRange", "DeleteRangeRequest")] },
    ResponseOp: { fields: [one(1, "range", "RangeResponse")] },
    TxnRequest: { fields: [many(1, "compare", "Compare"), many(2, "success", "RequestOp"), many(3, "failure", "RequestOp")] },
    TxnResponse: { fields: [one(1, "header", "ResponseHeader"), one(2, "succeeded", "bool"), many(3, "responses", "ResponseOp")] },
    CompactionRequest: { fields: [one(1, "revision", "int64")] },
    CompactionResponse: { fields: [one(1, "header", "ResponseHeader")] },
    WatchRequest: { fields: [one(1, "create", "WatchCreateRequest")] },
    WatchCreateRequest: {
      fields: [one(1, "key", "bytes"), one(2, "rangeEnd", "bytes"), one(3, "startRevision", "int64"), one(6, "prevKv", "bool"), one(8, "fragment", "bool")],
    },
    WatchResponse: {
      fields: [
        one(1, "header", "ResponseHeader"),
        one(3, "created", "bool"),
        one(4, "canceled", "bool"),
        one(5, "compactRevision", "int64"),
        one(6, "cancelReason", "string"),
        one(7, "fragment", "bool"),
        many(11, "events", "Event"),
      ],
    },
  },
};

export interface ResponseHeader {
  /** Rounded beyond 2^53, which still tells clusters apart. */
  readonly clusterId: number;
  readonly revision: number;
}

export interface KeyValue {
  readonly key: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Writes since the key was created. */
  readonly version: number;
  readonly value: Uint8Array;
}

export interface EtcdEvent {
  /** 0: put, 1: delete. */
  readonly type: 0 | 1;
  readonly kv: KeyValue;
  /** The state before; absent when there was none, or when it has been compacted meanwhile. */
  readonly prevKv?: KeyValue;
}

export interface RangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd?: Uint8Array;
  readonly limit?: number;
  readonly revision?: number;
  readonly countOnly?: boolean;
}

export interface RangeResponse {
  readonly header: ResponseHeader;
  readonly kvs: readonly KeyValue[];
  /** Of the whole range, whatever the limit. */
  readonly count: number;
}

export interface Compare {
  /** Of the key; 0 for one that is not there. */
  readonly target: typeof COMPARE_VERSION | typeof COMPARE_MOD_REVISION;
  readonly key: Uint8Array;
  readonly version?: number;
  readonly modRevision?: number;
}

export const COMPARE_VERSION = 0;
export const COMPARE_MOD_REVISION = 2;

export interface RequestOp {
  readonly range?: RangeRequest;
  readonly put?: { readonly key: Uint8Array; readonly value: Uint8Array };
  readonly deleteRange?: { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array };
}

export interface TxnRequest {
  /** All must be equal. */
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface TxnResponse {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly { readonly range?: RangeResponse }[];
}

export interface WatchResponse {
  readonly header?: ResponseHeader;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Above 0 when the watch was refused because its start has been compacted. */
  readonly compactRevision: number;
  readonly cancelReason: string;
  /** More of this response is to come. */
  readonly fragment: boolean;
  readonly events: readonly EtcdEvent[];
}

/** Requests and responses by method: name, request, response. */
export interface Calls {
  range: [RangeRequest, RangeResponse];
  txn: [TxnRequest, TxnResponse];
  compact: [{ readonly revision: number }, { readonly header: ResponseHeader }];
}

export const CALLS: Readonly<Record<keyof Calls, { readonly path: string; readonly request: string; readonly response: string }>> = {
  range: { path: "/etcdserverpb.KV/Range", request: "RangeRequest", response: "RangeResponse" },
  txn: { path: "/etcdserverpb.KV/Txn", request: "TxnRequest", response: "TxnResponse" },
  compact: { path: "/etcdserverpb.KV/Compact", request: "CompactionRequest", response: "CompactionResponse" },
};

export const WATCH_PATH = "/etcdserverpb.Watch/Watch";

const text = new TextEncoder();
export const keyBytes = (key: string): Uint8Array => text.encode(key);

/** The end of the range of all keys that start with `prefix`. */
export function prefixEnd(prefix: string): Uint8Array {
  const bytes = keyBytes(prefix);
  for (let last = bytes.length - 1; last >= 0; last--) {
    if (bytes[last] === 0xff) continue;
    const end = bytes.slice(0, last + 1);
    end[last]!++;
    return end;
  }
  return ALL_KEYS.rangeEnd;
}

/** A zero byte stands for the least key, and as an end for none. */
export const ALL_KEYS = { key: new Uint8Array(1), rangeEnd: new Uint8Array(1) };
