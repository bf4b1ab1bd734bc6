import type * as core from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { formatQuantity } from "#apimachinery/quantity.ts";

import { containerTotals, isPodLevelResource } from "./resources.ts";

/**
 * Fills in what is said for the pod as a whole from what its containers say: huge pages' limits, requests of what may
 * be overcommitted, and requests equal to limits for the rest. Only where something is said for the pod already.
 */
export function defaultPodLevelResources(spec: Mutable<core.PodSpec>): void {
  const { resources } = spec;
  if (!resources) return;
  if (isEmpty(resources.limits) && isEmpty(resources.requests)) return;
  const limits = { ...resources.limits };
  for (const [name, limit] of containerTotals(spec, "limits")) {
    if (name.startsWith("hugepages-") && resources.requests?.[name] === undefined) limits[name] ??= formatQuantity(limit);
  }
  if (!isEmpty(limits)) resources.limits = limits;
  if (isEmpty(resources.limits)) return;
  const requests = { ...resources.requests };
  for (const [name, request] of containerTotals(spec, "requests")) {
    if (name === "cpu" || name === "memory") requests[name] ??= formatQuantity(request);
  }
  for (const name in limits) if (isPodLevelResource(name)) requests[name] ??= limits[name]!;
  if (!isEmpty(requests)) resources.requests = requests;
}

const isEmpty = (list: Readonly<Record<string, string>> | undefined) => list === undefined || Object.keys(list).length === 0;
