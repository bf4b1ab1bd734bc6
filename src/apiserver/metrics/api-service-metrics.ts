import { isAvailable } from "#api/apiregistration-v1/conditions.ts";
import type { ApiServices } from "#apiserver/aggregation/api-services.ts";

import { metric, type Sample } from "./exposition.ts";

/** Which API services nobody answers for. */
export function apiServiceMetrics(services: Pick<ApiServices, "names" | "get">): string {
  const samples = services.names.map((name): Sample => [{ name }, isAvailable(services.get(name)) ? 0 : 1]);
  return metric("aggregator_unavailable_apiservice", "gauge", "[ALPHA] 1 for an API service that is marked as unavailable.", samples);
}
