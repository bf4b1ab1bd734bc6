import { ENDPOINT_SLICES, ENDPOINTS, SERVICES } from "#api/builtin.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import { keyOf, type KubeObject, type ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { performSliceChanges } from "#controllers/common/slice-changes.ts";
import { isMirrored, MANAGED_BY, MIRROR_NAME, reconcileMirror, SERVICE_NAME } from "#controllers/endpointslicemirroring/reconcile.ts";

const BY_MIRRORED = {
  mirrored: ({ metadata }: EndpointSlice) => (metadata.labels?.[MANAGED_BY] === MIRROR_NAME ? [`${metadata.namespace}/${metadata.labels[SERVICE_NAME]}`] : []),
};

/** Gives hand-written Endpoints the EndpointSlices that proxies read. */
export function startEndpointSliceMirroring(deps: ControllerDeps): void {
  const { client, informers } = deps;
  const endpoints = informers.informer(ENDPOINTS);
  const services = informers.informer(SERVICES);
  const slices = informers.informer(ENDPOINT_SLICES, BY_MIRRORED);
  const sync = async (key: ObjectKey) => {
    const source = endpoints.get(key);
    const current = slices.byIndex("mirrored", key);
    const changes = isMirrored(source, services.get(key)) ? reconcileMirror(source, current) : { create: [], update: [], remove: current };
    try {
      await performSliceChanges(client, slices, changes);
    } catch (error) {
      if (!(isStatus(error) && error.hasCause("NamespaceTerminating"))) throw error;
    }
  };
  const queue = queueFor(deps, { name: "endpointslicemirroring", sync, maxRetries: 15 });
  const enqueue = (object: KubeObject) => queue.add(keyOf(object));
  endpoints.onChange({ added: enqueue, updated: enqueue, deleted: enqueue });
  services.onChange({ added: enqueue, updated: enqueue, deleted: enqueue });
  const enqueueSource = (slice: EndpointSlice) => BY_MIRRORED.mirrored(slice).forEach((key) => queue.add(key));
  slices.onChange({ updated: enqueueSource, deleted: enqueueSource });
}
