import { ENDPOINTS } from "#api/builtin.ts";
import type { Endpoints } from "#api/core-v1/types.ts";
import { keyOf, splitKey, type ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { referenceTo, type EventRecorder } from "#client/event-recorder.ts";
import type { Informer } from "#client/informer.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { ServicePods } from "#controllers/common/service-pods.ts";
import { desiredEndpoints } from "#controllers/endpoints/reconcile.ts";

const LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader";

interface Context {
  readonly deps: ControllerDeps;
  readonly found: ServicePods;
  readonly endpoints: Informer<Endpoints>;
  readonly recorder: EventRecorder;
}

/** Keeps an Endpoints object for each service with a selector. */
export function startEndpoints(deps: ControllerDeps): void {
  const context: Context = {
    deps,
    found: new ServicePods(deps.informers),
    endpoints: deps.informers.informer(ENDPOINTS),
    recorder: deps.recorderFor("endpoint-controller"),
  };
  const queue = queueFor(deps, { name: "endpoints", sync: (key) => sync(key, context), maxRetries: 15 });
  context.found.enqueueInto(queue);
  context.endpoints.onChange({ deleted: (object) => queue.add(keyOf(object)) });
  void deps.ready.then(() => leftovers(context).forEach((key) => queue.add(key)));
}

/** Those whose service went while nobody watched. Later ones may be written by hand, before their service. */
function leftovers({ endpoints, found }: Context): readonly ObjectKey[] {
  const isLeft = (object: Endpoints) => found.services.get(keyOf(object)) === undefined && object.metadata.annotations?.[LEADER_ANNOTATION] === undefined;
  return endpoints.list().filter(isLeft).map(keyOf);
}

async function sync(key: ObjectKey, { deps, found, endpoints, recorder }: Context): Promise<void> {
  const service = found.services.get(key);
  const current = endpoints.get(key);
  if (service === undefined) {
    if (current === undefined) return;
    const { namespace, name } = splitKey(key);
    await deps.client.delete(ENDPOINTS, { namespace, name }).catch(ignoreNotFound);
    return;
  }
  if (service.spec.type === "ExternalName" || service.spec.selector === undefined) return;
  const pods = found.podsOf(service, service.spec.publishNotReadyAddresses === true);
  const desired = desiredEndpoints(service, pods, current);
  if (desired === current) return;
  try {
    await (current === undefined ? deps.client.create(ENDPOINTS, desired) : deps.client.update(ENDPOINTS, desired));
  } catch (error) {
    if (isStatus(error) && error.hasCause("NamespaceTerminating")) return;
    const [reason, what] = current === undefined ? ["FailedToCreateEndpoint", "create endpoint for service"] : ["FailedToUpdateEndpoint", "update endpoint"];
    recorder.record(referenceTo(ENDPOINTS, desired), "Warning", reason, `Failed to ${what} ${key}: ${(error as Error).message}`);
    throw error;
  }
}
