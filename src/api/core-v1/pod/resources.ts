import type { Container, PodSpec } from "#api/core-v1/types.ts";
import { addQuantities, compareQuantities, parseQuantity, signOf } from "#apimachinery/quantity.ts";

import { addResources, maxResources, type Quantities, type ResourceList, resourceListOf } from "../pod-spec/resource-list.ts";

type Kind = "requests" | "limits";

/**
 * What a pod asks of its node: the most that is needed at any moment of its start and run, or what is said for the pod
 * as a whole, and its overhead.
 *
 * @see component-helpers resource/helpers.go PodRequests
 */
export function podRequests(spec: PodSpec): ResourceList {
  return resourceListOf(podRequestQuantities(spec));
}

/** `podRequests` without the texts. */
function podRequestQuantities(spec: PodSpec): Quantities {
  const requests = containerTotals(spec, "requests");
  overrideByPod(requests, spec.resources?.requests);
  addResources(requests, spec.overhead);
  return requests;
}

/** The most that a pod may use; a resource that some container leaves open is not limited, though listed here. */
export function podLimits(spec: PodSpec): ResourceList {
  const limits = containerTotals(spec, "limits");
  overrideByPod(limits, spec.resources?.limits);
  for (const [name, text] of Object.entries(spec.overhead ?? {})) {
    const limit = limits.get(name);
    if (limit !== undefined && signOf(limit) !== 0) limits.set(name, addQuantities(limit, parseQuantity(text)));
  }
  return resourceListOf(limits);
}

function overrideByPod(totals: Quantities, list: ResourceList | undefined): void {
  for (const name in list) if (isPodLevelResource(name)) totals.set(name, parseQuantity(list[name]!));
}

/** What may be said for the pod as a whole. */
export function isPodLevelResource(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

/** An init container that goes on running beside the others. */
export function isSidecar({ restartPolicy }: Pick<Container, "restartPolicy">): boolean {
  return restartPolicy === "Always";
}

/**
 * Containers and sidecars together, or the largest init container with the sidecars started before it, where that is
 * more.
 */
export function containerTotals(spec: PodSpec, kind: Kind): Quantities {
  const total: Quantities = new Map();
  for (const container of spec.containers ?? []) addResources(total, container.resources?.[kind]);
  if (!spec.initContainers?.length) return total;
  const sidecars: Quantities = new Map();
  const starting: Quantities = new Map();
  for (const container of spec.initContainers) {
    const list = container.resources?.[kind];
    if (isSidecar(container)) {
      addResources(total, list);
      addResources(sidecars, list);
      maxResources(starting, sidecars);
    } else {
      const needed: Quantities = new Map(sidecars);
      addResources(needed, list);
      maxResources(starting, needed);
    }
  }
  maxResources(total, starting);
  return total;
}

const QOS_RESOURCES = ["cpu", "memory"];

/** @returns `Guaranteed`, `Burstable` or `BestEffort`, by what the pod asks for */
export function qosClass({ spec }: { readonly spec: PodSpec }): string {
  const requests: Quantities = new Map();
  const limits: Quantities = new Map();
  let guaranteed = true;
  const users = spec.resources === undefined ? [...(spec.containers ?? []), ...(spec.initContainers ?? [])] : [{ resources: spec.resources }];
  for (const { resources } of users) {
    addPositive(requests, resources?.requests);
    const found = addPositive(limits, resources?.limits);
    const isSilent = spec.resources !== undefined && !Object.keys(spec.resources.limits ?? {}).length;
    if (found < QOS_RESOURCES.length && !isSilent) guaranteed = false;
  }
  if (requests.size === 0 && limits.size === 0) return "BestEffort";
  if (!guaranteed || requests.size !== limits.size) return "Burstable";
  for (const [name, request] of requests) {
    const limit = limits.get(name);
    if (limit === undefined || compareQuantities(limit, request) !== 0) return "Burstable";
  }
  return "Guaranteed";
}

/** @returns how many of the resources that matter here the list names */
function addPositive(sum: Quantities, list: ResourceList | undefined): number {
  let found = 0;
  for (const name of QOS_RESOURCES) {
    const text = list?.[name];
    if (text === undefined) continue;
    const quantity = parseQuantity(text);
    if (signOf(quantity) <= 0) continue;
    found++;
    const before = sum.get(name);
    sum.set(name, before === undefined ? quantity : addQuantities(before, quantity));
  }
  return found;
}
