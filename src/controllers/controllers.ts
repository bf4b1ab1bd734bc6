import type { Resource } from "#api/resources.ts";
import type { EventRecorder } from "#client/event-recorder.ts";
import type { Client } from "#client/client.ts";
import type { InformerFactory } from "#client/informer.ts";
import type { ControllerDeps } from "#controllers/common/deps.ts";
import { startDeployments } from "#controllers/deployment/controller.ts";
import { startReplicaSets, startReplicationControllers } from "#controllers/replicaset/controller.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";

export interface ControllersOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** Events in the name of a component, as `deployment-controller`. */
  recorderFor(component: string): EventRecorder;
  /** Every resource that is served now, custom ones included: what a namespace may hold, and what the garbage collector follows. */
  resources(): readonly Resource[];
  /** The PEM certificate that `kube-root-ca.crt` publishes. */
  readonly rootCa: string;
  /** Where nodes' pod ranges come from. */
  readonly clusterCidr?: string;
}

/** Starts every controller; each begins as soon as its informers have synced. */
export function startControllers(options: ControllersOptions): { stop(): void } {
  const abort = new AbortController();
  const ready = Promise.withResolvers<void>();
  const { client, informers, clock, rng, logger } = options;
  const deps: ControllerDeps = {
    client: client.as("kube-controller-manager"),
    informers,
    clock,
    rng,
    logger,
    recorderFor: (component) => options.recorderFor(component),
    ready: ready.promise,
    signal: abort.signal,
  };
  startReplicaSets(deps);
  startReplicationControllers(deps);
  startDeployments(deps);
  void informers.synced().then(ready.resolve);
  return { stop: () => abort.abort() };
}
