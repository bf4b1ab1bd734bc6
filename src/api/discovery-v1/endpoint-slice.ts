import type { EndpointSlice } from "#api/discovery-v1/types.ts";

/** Names the service that a slice is of. */
export const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** The key of the service that a slice is of; for an index. */
export function serviceKeysOf({ metadata }: EndpointSlice): readonly string[] {
  const name = metadata.labels?.[SERVICE_NAME_LABEL];
  return name === undefined ? [] : [`${metadata.namespace}/${name}`];
}

/** The addresses of all endpoints, each once; for an index. */
export function endpointAddressesOf({ endpoints }: EndpointSlice): readonly string[] {
  return [...new Set((endpoints ?? []).flatMap(({ addresses }) => addresses))];
}
