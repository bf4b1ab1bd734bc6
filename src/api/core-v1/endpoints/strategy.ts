import type { Endpoints } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

/** @see kubernetes pkg/registry/core/endpoint/strategy.go */
export const endpointsStrategy: Strategy<Endpoints> = {
  allowCreateOnUpdate: true,
  applyDefaults({ subsets }) {
    for (const { ports } of subsets ?? []) for (const port of ports ?? []) port.protocol ||= "TCP";
  },
};
