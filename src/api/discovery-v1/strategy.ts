import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { FieldPath } from "#apimachinery/field-error.ts";
import { ipWarnings } from "#apimachinery/validation/ip.ts";
import { isDns1123Subdomain } from "#apimachinery/validation/names.ts";
import { sameJson } from "#lib/same-json.ts";

import { validateEndpointSlice } from "./validate.ts";

const HOSTNAME_LABEL = "kubernetes.io/hostname";
const MANAGED_BY = "endpointslice.kubernetes.io/managed-by";
const CONTROLLERS = ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];

/** @see kubernetes pkg/registry/discovery/endpointslice/strategy.go */
export const endpointSliceStrategy: Strategy<EndpointSlice> = {
  hasGeneration: true,
  generationFields: ({ metadata, addressType, endpoints, ports }) => [metadata.labels, addressType, endpoints ?? [], ports ?? []],
  applyDefaults({ ports }) {
    for (const port of ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
  },
  prepareForCreate: (slice) => dropTopology(slice),
  prepareForUpdate(slice, old) {
    // Upstream counts a change before it drops what this version has no more.
    const hasTopology = (slice.endpoints ?? []).some(({ deprecatedTopology }) => deprecatedTopology !== undefined);
    if (hasTopology && !sameJson(slice.endpoints, old.endpoints)) slice.metadata.generation = (old.metadata.generation ?? 0) + 1;
    dropTopology(slice, old);
  },
  validateCreate: (slice) => validateEndpointSlice(slice),
  validateUpdate(slice, old) {
    const errors = validateEndpointSlice(slice, old);
    checkImmutable(errors, slice.addressType, old.addressType, new FieldPath("addressType"));
    return errors;
  },
  canonicalize(slice) {
    // Upstream's storage does not tell an empty list from none, which is written as null.
    const lists = slice as { endpoints: unknown[] | null; ports: unknown[] | null };
    if (!lists.endpoints?.length) lists.endpoints = null;
    if (!lists.ports?.length) lists.ports = null;
  },
  warningsOnCreate: (slice) => [...(slice.addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : []), ...addressWarnings(slice)],
  warningsOnUpdate: addressWarnings,
};

/** This version has fields of their own for what topology said; node names that stood there before are taken over. */
function dropTopology({ endpoints }: Mutable<EndpointSlice>, old?: EndpointSlice): void {
  if (old !== undefined && sameJson(endpoints, old.endpoints)) return;
  const known = new Set((old?.endpoints ?? []).map(({ deprecatedTopology }) => deprecatedTopology?.[HOSTNAME_LABEL]));
  for (const endpoint of endpoints ?? []) {
    const node = endpoint.deprecatedTopology?.[HOSTNAME_LABEL];
    if (endpoint.nodeName === undefined && node && known.has(node) && isDns1123Subdomain(node).length === 0) endpoint.nodeName = node;
    delete endpoint.deprecatedTopology;
  }
}

/** The controllers write addresses in their one form. */
function addressWarnings({ metadata, endpoints }: EndpointSlice): string[] {
  if (CONTROLLERS.includes(metadata.labels?.[MANAGED_BY] ?? "")) return [];
  const path = new FieldPath("endpoints");
  return (endpoints ?? []).flatMap(({ addresses }, i) =>
    (addresses ?? []).flatMap((address, j) => ipWarnings(address, path.index(i).child("addresses").index(j))),
  );
}
