import { decodeMessage, encodeMessage } from "#apimachinery/protobuf/codec.ts";
import { GRPC_UNAVAILABLE, GrpcError } from "#lib/grpc/grpc-error.ts";
import { CompactedError } from "../store.ts";
import type { EtcdConnection } from "./connection.ts";
import { ALL_KEYS, ETCD, type EtcdEvent, type WatchResponse } from "./messages.ts";

export interface WatchSink {
  /** The watch stands. */
  created(): void;
  /** Events in order; all those of a revision come in one call. */
  events(events: readonly EtcdEvent[]): void;
  /** Called once: the stream broke, or its start has been compacted. */
  ended(error: GrpcError | CompactedError): void;
}

/**
 * Watches every key, with the states before. Foreign keys are watched, too: as every revision then has an event, whoever
 * has seen one of revision r has seen all up to r, which no progress notification of etcd 3.4 tells reliably.
 *
 * @param startRevision at least 1
 * @returns a function that ends it; `ended` is not called then
 */
export function watchAll(connection: EtcdConnection, startRevision: number, sink: WatchSink): () => void {
  let over = false;
  let parts: EtcdEvent[] = [];
  const end = (error: GrpcError | CompactedError) => {
    if (over) return;
    over = true;
    stream.cancel();
    sink.ended(error);
  };
  const take = (response: WatchResponse) => {
    if (response.compactRevision > 0) return end(new CompactedError(response.compactRevision));
    if (response.canceled) return end(new GrpcError(GRPC_UNAVAILABLE, `the watch was cancelled: ${response.cancelReason}`));
    if (response.created) sink.created();
    parts = parts.length === 0 ? [...response.events] : [...parts, ...response.events];
    if (response.fragment || parts.length === 0) return;
    const events = parts;
    parts = [];
    sink.events(events);
  };
  const stream = connection.watch(
    (bytes) => {
      if (!over) take(decodeMessage<WatchResponse>(ETCD, "WatchResponse", bytes));
    },
    (error) => end(error ?? new GrpcError(GRPC_UNAVAILABLE, "the watch ended")),
  );
  stream.send(encodeMessage(ETCD, "WatchRequest", { create: { ...ALL_KEYS, startRevision, prevKv: true, fragment: true } }));
  return () => {
    over = true;
    stream.cancel();
  };
}

/**
 * Where a watch must begin that is to give what comes after `revision`. One revision earlier than wanted: etcd takes a
 * start at the compacted revision itself, whose deletes are gone, and so refuses every gap only for this start.
 */
export function startAfter(revision: number): number {
  return Math.max(1, revision);
}

/**
 * Reads the events of revisions above `after` up to `upTo`, which has been reached.
 *
 * @throws {CompactedError} when some of them are gone
 */
export function readHistory(connection: EtcdConnection, after: number, upTo: number): Promise<EtcdEvent[]> {
  if (upTo <= Math.max(1, after)) return Promise.resolve([]); // revision 1 is the empty etcd's
  return new Promise((resolve, reject) => {
    const past: EtcdEvent[] = [];
    const stop = watchAll(connection, startAfter(after), {
      created: () => {},
      events(events) {
        for (const event of events) {
          const { modRevision } = event.kv;
          if (modRevision > after && modRevision <= upTo) past.push(event);
        }
        if (events.at(-1)!.kv.modRevision < upTo) return;
        stop();
        resolve(past);
      },
      ended: reject,
    });
  });
}
