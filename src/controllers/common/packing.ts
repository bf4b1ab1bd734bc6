import { isDeepStrictEqual } from "node:util";

import type { Endpoint, EndpointSlice } from "#api/discovery-v1/types.ts";

export const MAX_ENDPOINTS = 100;

export interface Packed {
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
  /** Endpoints for new slices. */
  readonly rest: readonly (readonly Endpoint[])[];
}

/**
 * Spreads `desired` over the slices of one set of ports, changing few: endpoints stay where they are; new ones go to slices that
 * change anyway, the fullest first, then all into one unchanged slice if they fit, and only then into new slices.
 *
 * @see kubernetes staging/src/k8s.io/endpointslice/reconciler.go reconcileByPortMapping
 */
export function packEndpoints(slices: readonly EndpointSlice[], desired: readonly Endpoint[], labels: Readonly<Record<string, string>>): Packed {
  const left = new Map(desired.map((endpoint) => [identity(endpoint), endpoint]));
  const changed: { readonly slice: EndpointSlice; readonly endpoints: Endpoint[] }[] = [];
  const unchanged: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  for (const slice of slices) {
    const before = slice.endpoints ?? [];
    const endpoints = before.flatMap((endpoint) => left.get(identity(endpoint)) ?? []);
    for (const endpoint of endpoints) left.delete(identity(endpoint));
    const isSame = isDeepStrictEqual(endpoints, before);
    if (!isSame && endpoints.length === 0) remove.push(slice);
    else if (!isSame || !isDeepStrictEqual(slice.metadata.labels ?? {}, labels)) changed.push({ slice, endpoints });
    else unchanged.push(slice);
  }
  const waiting = [...left.values()];
  for (const { endpoints } of changed.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) {
    endpoints.push(...waiting.splice(0, MAX_ENDPOINTS - endpoints.length));
  }
  const roomy = waiting.length > 0 ? fittest(unchanged, waiting.length) : undefined;
  if (roomy !== undefined) changed.push({ slice: roomy, endpoints: [...(roomy.endpoints ?? []), ...waiting.splice(0)] });
  const rest: Endpoint[][] = [];
  while (waiting.length > 0) rest.push(waiting.splice(0, MAX_ENDPOINTS));
  const update = changed.map(({ slice, endpoints }) => ({ ...slice, metadata: { ...slice.metadata, labels }, endpoints }));
  return { update, remove, rest };
}

/** The slice that `count` more would fill best. */
function fittest(slices: readonly EndpointSlice[], count: number): EndpointSlice | undefined {
  const fitting = slices.filter(({ endpoints }) => (endpoints?.length ?? 0) + count <= MAX_ENDPOINTS);
  return fitting.sort((a, b) => (b.endpoints?.length ?? 0) - (a.endpoints?.length ?? 0))[0];
}

function identity({ addresses, hostname, targetRef }: Endpoint): string {
  return JSON.stringify([[...addresses].sort(), hostname, targetRef?.namespace, targetRef?.name]);
}
