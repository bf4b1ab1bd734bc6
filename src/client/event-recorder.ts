import { EVENTS } from "#api/builtin.ts";
import type { Event, ObjectReference } from "#api/core-v1/types.ts";
import { apiVersionOf, type Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import { EventCorrelator } from "#client/event-correlator.ts";
import { formatTime, type Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

/** Events that wait to be written; what comes beyond is dropped, as an event is worth less than the work it tells of. */
const MAX_WAITING = 1_000;

export type EventType = "Normal" | "Warning";

/** Tells users what happened to an object, as Events beside it. */
export interface EventRecorder {
  /** Never blocks, never throws: an Event that cannot be written is lost. */
  record(about: ObjectReference, type: EventType, reason: string, message: string, more?: Pick<Event, "action" | "related">): void;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `deployment-controller`, `kubelet`. */
  readonly component: string;
  /** The node, for what runs on one. */
  readonly host?: string;
}

/** A reference to `object` for an event; `fieldPath` names a part of it, as `spec.containers{main}`. */
export function referenceTo(resource: Resource, { metadata }: KubeObject, fieldPath?: string): ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    ...(namespace && { namespace }),
    name,
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
    ...(fieldPath !== undefined && { fieldPath }),
  };
}

/** Writes core/v1 Events one after the other; repeated ones are counted up in place. */
export class ApiEventRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #correlator: EventCorrelator;
  #waiting = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#correlator = new EventCorrelator(options.clock);
  }

  record(about: ObjectReference, type: EventType, reason: string, message: string, more: Pick<Event, "action" | "related"> = {}): void {
    if (this.#waiting >= MAX_WAITING) return;
    const event = { ...this.#build(about, type, reason, message), ...more };
    this.#waiting++;
    this.#tail = this.#tail.then(() => this.#write(event)).finally(() => this.#waiting--);
  }

  /** Resolves once what was recorded so far is written. */
  flushed(): Promise<void> {
    return this.#tail;
  }

  #build(about: ObjectReference, type: EventType, reason: string, message: string): Event {
    const { clock, component, host } = this.#options;
    const nowMs = clock.now();
    const time = formatTime(nowMs);
    return {
      // Upstream's names end in the nanoseconds in hexadecimal; a count within the millisecond keeps ours apart.
      metadata: { name: `${about.name}.${this.#correlator.uniqueStamp(nowMs)}`, namespace: about.namespace ?? "default" },
      involvedObject: about,
      reason,
      message,
      source: { component, ...(host !== undefined && { host }) },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      type,
      reportingComponent: component,
      ...(host !== undefined && { reportingInstance: host }),
    } as Event;
  }

  async #write(fresh: Event): Promise<void> {
    const decision = this.#correlator.correlate(fresh);
    if (decision === undefined) return;
    const { client, logger } = this.#options;
    try {
      if (decision.repeats !== undefined && (await this.#countUp(decision.repeats, decision.event))) return;
      await client.create(EVENTS, decision.event);
      this.#correlator.written(decision.key, decision.event);
    } catch (error) {
      logger.debug("event lost", { reason: fresh.reason, about: fresh.involvedObject.name, error });
    }
  }

  /** @returns false when the earlier event is gone, so that a new one is due */
  async #countUp(name: string, { metadata, count, lastTimestamp, message }: Event): Promise<boolean> {
    try {
      await this.#options.client.patch(EVENTS, { namespace: metadata.namespace, name }, "merge", { count, lastTimestamp, message });
      return true;
    } catch (error) {
      if (isStatus(error, "NotFound")) return false;
      throw error;
    }
  }
}
