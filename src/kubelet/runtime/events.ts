import { decodeMessage, encodeMessage, type ProtoTable } from "#apimachinery/protobuf/codec.ts";
import { GrpcClient } from "#lib/grpc/grpc-client.ts";
import type { Clock, Timer } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

/** The little of containerd's event API that tells of processes that end. */
const EVENTS: ProtoTable = {
  messages: {
    Subscribe: { fields: [{ name: "filters", number: 1, type: "string", repeated: true }] },
    Envelope: {
      fields: [
        { name: "topic", number: 3, type: "string" },
        { name: "event", number: 4, type: "Any" },
      ],
    },
    Any: { fields: [{ name: "value", number: 2, type: "bytes" }] },
    TaskExit: {
      fields: [
        { name: "containerId", number: 1, type: "string" },
        { name: "id", number: 2, type: "string" },
      ],
    },
    TaskDelete: {
      fields: [
        { name: "containerId", number: 1, type: "string" },
        { name: "id", number: 5, type: "string" },
      ],
    },
  },
};

const TOPICS = ["/tasks/exit", "/tasks/delete"];
const RECONNECT_MS = 500;

export interface RuntimeEventSink {
  /** The main process of a container or sandbox has exited. */
  exited(containerId: string): void;
  /** The runtime has cleaned up after one that has exited, and shows it as such from about now on. */
  reaped(containerId: string): void;
  /** Events may have been missed: look at everything. */
  lost(): void;
}

/**
 * Follows containerd's events, as its CRI has no stream of its own before 1.7; connects again when the stream breaks.
 *
 * @returns a function that ends it
 */
export function followEvents(socket: string, sink: RuntimeEventSink, { clock, log }: { readonly clock: Clock; readonly log: Logger }): () => void {
  const client = new GrpcClient({ path: socket });
  const stop = new AbortController();
  let timer: Timer | undefined;
  const request = encodeMessage(EVENTS, "Subscribe", { filters: TOPICS.map((topic) => `namespace==k8s.io,topic=="${topic}"`) });
  const connect = () => {
    client.stream("/containerd.services.events.v1.Events/Subscribe", request, { onMessage: (bytes) => take(bytes, sink), onEnd }, { signal: stop.signal });
  };
  const onEnd = (error?: Error) => {
    if (stop.signal.aborted) return;
    log.warn("containerd's event stream broke", { error: error?.message });
    timer = clock.after(RECONNECT_MS, () => {
      connect();
      sink.lost();
    });
  };
  connect();
  return () => {
    stop.abort();
    timer?.cancel();
    client.close();
  };
}

function take(bytes: Uint8Array, sink: RuntimeEventSink): void {
  const { topic, event } = decodeMessage<{ topic: string; event?: { value: Uint8Array } }>(EVENTS, "Envelope", bytes);
  if (event === undefined) return;
  const { containerId, id } = decodeMessage<{ containerId: string; id: string }>(EVENTS, topic === "/tasks/exit" ? "TaskExit" : "TaskDelete", event.value);
  // An exec's has an id of its own.
  if (id !== containerId && id !== "") return;
  if (topic === "/tasks/exit") sink.exited(containerId);
  else sink.reaped(containerId);
}
