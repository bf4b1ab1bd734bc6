import type { LimitRange, LimitRangeItem } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { roundResourceList } from "../pod-spec/resource-list.ts";

/** For containers, what is not said follows from what is: limits from maxima, requests from limits, then from minima. */
export function applyLimitRangeDefaults({ spec }: Mutable<LimitRange>): void {
  for (const item of spec?.limits ?? []) {
    for (const list of ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const) roundResourceList(item[list]);
    if (item.type === "Container") fillContainerLimits(item);
  }
}

function fillContainerLimits(item: Mutable<LimitRangeItem>): void {
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = sorted(limits);
  if (Object.keys(requests).length > 0) item.defaultRequest = sorted(requests);
}

const sorted = (list: Record<string, string>) => Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)));
