import type { ObjectKey } from "#apimachinery/object.ts";
import type { Client } from "#client/client.ts";
import type { EventRecorder } from "#client/event-recorder.ts";
import type { InformerFactory } from "#client/informer.ts";
import { WorkQueue, type WorkQueueOptions } from "#client/work-queue.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";

/** What every controller is given. */
export interface ControllerDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** Events in the name of a component: `deployment-controller`. */
  recorderFor(component: string): EventRecorder;
  /** Resolves once every informer shows the whole state: to act on half of it would make what is there a second time. */
  readonly ready: Promise<void>;
  /** Aborts when the controllers stop. */
  readonly signal: AbortSignal;
}

type QueueOptions = Pick<WorkQueueOptions, "name" | "sync" | "workers" | "maxRetryMs" | "maxRetries">;

/** A work queue on a controller's clock, that begins when the informers are ready and ends with the controller. */
export function queueFor({ clock, rng, logger, signal, ready }: ControllerDeps, options: QueueOptions): WorkQueue {
  const sync = async (key: ObjectKey) => {
    await ready;
    if (!signal.aborted) await options.sync(key);
  };
  return new WorkQueue({ ...options, sync, clock, rng, logger, signal });
}
