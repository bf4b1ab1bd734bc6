import type { Endpoints, EndpointSubset } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, FieldPath } from "#apimachinery/field-error.ts";
import { ipWarnings } from "#apimachinery/validation/ip.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";
import { sameJson } from "#lib/same-json.ts";

import { validateSubsets } from "./validate.ts";

const SUBSETS = new FieldPath("subsets");

/** @see kubernetes pkg/registry/core/endpoint/strategy.go */
export const endpointsStrategy: Strategy<Endpoints> = {
  allowCreateOnUpdate: true,
  applyDefaults({ subsets }) {
    for (const { ports } of subsets ?? []) for (const port of ports ?? []) port.protocol ||= "TCP";
  },
  validateCreate: ({ subsets }) => validateSubsets(subsets ?? [], SUBSETS),
  validateUpdate: ({ metadata, subsets }, old) => [...validateObjectMeta(metadata, { namespaced: true }), ...validateChanged(subsets ?? [], old.subsets)],
  warningsOnCreate: warnings,
  warningsOnUpdate: warnings,
};

/** What was valid once may stay as it is. */
function validateChanged(subsets: readonly EndpointSubset[], old: readonly EndpointSubset[] = []): FieldError[] {
  const errors = validateSubsets(subsets, SUBSETS);
  return errors.length > 0 && sameJson(subsets, old) ? [] : errors;
}

/** The controller writes addresses in their one form. */
function warnings({ metadata, subsets = [] }: Endpoints): string[] {
  if (metadata.labels?.["endpoints.kubernetes.io/managed-by"] === "endpoint-controller") return [];
  return subsets.flatMap((subset, i) =>
    (["addresses", "notReadyAddresses"] as const).flatMap((list) => {
      const path = SUBSETS.index(i).child(list);
      return (subset[list] ?? []).flatMap(({ ip }, j) => ipWarnings(ip, path.index(j).child("ip")));
    }),
  );
}
