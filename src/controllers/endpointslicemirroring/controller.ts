import { ENDPOINT_SLICES, ENDPOINTS, SERVICES } from "#api/builtin.ts";
import type { Endpoints } from "#api/core-v1/types.ts";
import { SERVICE_NAME_LABEL } from "#api/discovery-v1/endpoint-slice.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import { keyOf, type KubeObject, type ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { referenceTo } from "#client/event-recorder.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { performSliceChanges } from "#controllers/common/slice-changes.ts";
import { isMirrored, MANAGED_BY, MAX_PER_SUBSET, MIRROR_NAME, reconcileMirror, type Mirror } from "#controllers/endpointslicemirroring/reconcile.ts";

const BY_MIRRORED = {
  mirrored: ({ metadata }: EndpointSlice) =>
    metadata.labels?.[MANAGED_BY] === MIRROR_NAME ? [`${metadata.namespace}/${metadata.labels[SERVICE_NAME_LABEL]}`] : [],
};

/** Gives hand-written Endpoints the EndpointSlices that proxies read. */
export function startEndpointSliceMirroring(deps: ControllerDeps): void {
  const { client, informers } = deps;
  const endpoints = informers.informer(ENDPOINTS);
  const services = informers.informer(SERVICES);
  const slices = informers.informer(ENDPOINT_SLICES, BY_MIRRORED);
  const recorder = deps.recorderFor("endpoint-slice-mirroring-controller");
  const sync = async (key: ObjectKey) => {
    const source = endpoints.get(key);
    const current = slices.byIndex("mirrored", key);
    const mirror = isMirrored(source, services.get(key))
      ? reconcileMirror(source, current)
      : { create: [], update: [], remove: current, invalid: 0, skipped: 0 };
    if (source !== undefined) tell(source, mirror);
    try {
      await performSliceChanges(client, mirror);
    } catch (error) {
      if (!(isStatus(error) && error.hasCause("NamespaceTerminating"))) throw error;
    }
  };
  const tell = (source: Endpoints, { invalid, skipped }: Mirror) => {
    const warn = (reason: string, message: string) => recorder.record(referenceTo(ENDPOINTS, source), "Warning", reason, message);
    if (invalid > 0) warn("InvalidIPAddress", `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`);
    if (skipped <= invalid) return;
    const most = `A max of ${MAX_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset.`;
    warn("TooManyAddressesToMirror", `${most} ${skipped} addresses were skipped`);
  };
  const queue = queueFor(deps, { name: "endpointslicemirroring", sync, maxRetries: 15 });
  const enqueue = (object: KubeObject) => queue.add(keyOf(object));
  endpoints.onChange({ added: enqueue, updated: enqueue, deleted: enqueue });
  services.onChange({ added: enqueue, updated: enqueue, deleted: enqueue });
  const enqueueSource = (slice: EndpointSlice) => BY_MIRRORED.mirrored(slice).forEach((key) => queue.add(key));
  slices.onChange({ updated: enqueueSource, deleted: enqueueSource });
}
