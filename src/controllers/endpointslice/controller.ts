import { ENDPOINT_SLICES, NODES, PODS, SERVICES } from "#api/builtin.ts";
import type { Node } from "#api/core-v1/types.ts";
import { SERVICE_NAME_LABEL } from "#api/discovery-v1/endpoint-slice.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import { keyOf, type ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { referenceTo, type EventRecorder } from "#client/event-recorder.ts";
import type { Informer } from "#client/informer.ts";
import { BY_NODE } from "#controllers/common/by-node.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ServicePods } from "#controllers/common/service-pods.ts";
import { performSliceChanges } from "#controllers/common/slice-changes.ts";
import { CONTROLLER_NAME, MANAGED_BY, reconcileSlices } from "#controllers/endpointslice/reconcile.ts";

const ZONE = "topology.kubernetes.io/zone";

interface Context {
  readonly deps: ControllerDeps;
  readonly found: ServicePods;
  readonly slices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  readonly recorder: EventRecorder;
}

/** Slices by the service they are of, for those that this controller manages. */
const BY_SERVICE = {
  service: ({ metadata }: EndpointSlice) =>
    metadata.labels?.[MANAGED_BY] === CONTROLLER_NAME ? [`${metadata.namespace}/${metadata.labels[SERVICE_NAME_LABEL]}`] : [],
};

/** Keeps the EndpointSlices of each service with a selector. */
export function startEndpointSlices(deps: ControllerDeps): void {
  const context: Context = {
    deps,
    found: new ServicePods(deps.informers),
    slices: deps.informers.informer(ENDPOINT_SLICES, BY_SERVICE),
    nodes: deps.informers.informer(NODES),
    recorder: deps.recorderFor("endpoint-slice-controller"),
  };
  const podsByNode = deps.informers.informer(PODS, BY_NODE);
  const queue = queueFor(deps, { name: "endpointslices", sync: (key) => sync(key, context), maxRetries: 15 });
  context.found.enqueueInto(queue);
  const enqueue = (slice: EndpointSlice) => BY_SERVICE.service(slice).forEach((key) => queue.add(key));
  context.slices.onChange({
    added: enqueue,
    updated: (slice, before) => {
      enqueue(slice);
      enqueue(before);
    },
    deleted: enqueue,
  });
  const enqueueNode = ({ metadata }: Node) => {
    for (const pod of podsByNode.byIndex("node", metadata.name)) context.found.servicesOf(pod).forEach((service) => queue.add(keyOf(service)));
  };
  context.nodes.onChange({
    added: enqueueNode,
    updated: (node, before) => {
      if (zoneLabel(node) !== zoneLabel(before)) enqueueNode(node);
    },
    deleted: enqueueNode,
  });
}

const zoneLabel = ({ metadata }: Node) => metadata.labels?.[ZONE] ?? "";

async function sync(key: ObjectKey, context: Context): Promise<void> {
  const { found, slices, nodes, recorder } = context;
  const service = found.services.get(key);
  // A deleted service's slices are the garbage collector's; those of other makers are not ours.
  if (service === undefined || service.spec.type === "ExternalName" || service.spec.selector === undefined) return;
  const zoneOf = (nodeName: string) => {
    const node = nodes.get(nodeName);
    return node === undefined ? undefined : zoneLabel(node);
  };
  const current = slices.byIndex("service", key).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const changes = reconcileSlices({ service, pods: found.podsOf(service, true), slices: current, zoneOf });
  try {
    await performSliceChanges(context.deps.client, changes);
  } catch (error) {
    if (isStatus(error) && error.hasCause("NamespaceTerminating")) return;
    const message = `Error updating Endpoint Slices for Service ${key}: ${(error as Error).message}`;
    recorder.record(referenceTo(SERVICES, service), "Warning", "FailedToUpdateEndpointSlices", message);
    throw error;
  }
}
