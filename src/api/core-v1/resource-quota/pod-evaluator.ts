import type { Container, ContainerStatus, Pod, PodAffinityTerm, PodSpec } from "#api/core-v1/types.ts";
import { parseQuantity, quantityOf } from "#apimachinery/quantity.ts";

import { isPodLevelResource, isSidecar, podLimits, podRequests, qosClass } from "../pod/resources.ts";
import { type Quantities, type ResourceList, maxResources, resourceListOf } from "../pod-spec/resource-list.ts";
import { amountsOf } from "./amounts.ts";
import type { QuotaEvaluator } from "./evaluators.ts";
import { selectsScope } from "./scope-selector.ts";

const ONE = quantityOf(1);
const COUNT = "count/pods";
const COMPUTE = ["cpu", "memory", "ephemeral-storage"];
const NAMES = new Set([COUNT, "pods", ...COMPUTE.flatMap((name) => [name, `requests.${name}`, `limits.${name}`])]);
/** A quota of these binds every container to say what it wants: an old mistake that clients rely on. */
const TO_BE_SAID = new Set(["cpu", "memory"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]));
const DEVICE_CLASS = "deviceclass.resource.kubernetes.io/";

/** How pods count. @see kubernetes pkg/quota/v1/evaluator/core/pods.go */
export const podEvaluator: QuotaEvaluator = {
  handles({ operation, subresource, object, oldObject }) {
    if (subresource === "resize") return operation === "UPDATE";
    if (subresource !== "") return false;
    return operation === "CREATE" || (operation === "UPDATE" && isTerminating(object as Pod) !== isTerminating(oldObject as Pod));
  },
  matching: (names) => names.filter((name) => NAMES.has(name) || /^(requests\.)?hugepages-/.test(name) || isExtendedRequest(name)),
  inScope(scope, object) {
    const pod = object as Pod;
    switch (scope.scopeName) {
      case "Terminating":
        return isTerminating(pod);
      case "NotTerminating":
        return !isTerminating(pod);
      case "BestEffort":
        return qosClass(pod) === "BestEffort";
      case "NotBestEffort":
        return qosClass(pod) !== "BestEffort";
      case "PriorityClass":
        return selectsScope(scope, pod.spec.priorityClassName || undefined);
      case "CrossNamespacePodAffinity":
        return reachesOtherNamespaces(pod.spec);
      default:
        return false;
    }
  },
  missing: (required, object) => missing(required, (object as Pod).spec),
  usage(object, nowMs) {
    const pod = object as Pod;
    if (isOver(pod, nowMs)) return new Map([[COUNT, ONE]]);
    const spec = withStatus(pod);
    return new Map([[COUNT, ONE], ...computeUsage(podRequests(spec), podLimits(spec))]);
  },
};

/** `requests.example.com/gpu` */
function isExtendedRequest(name: string): boolean {
  if (!name.startsWith("requests.")) return false;
  return (name.includes("/") && !name.includes("kubernetes.io/")) || name.startsWith(`requests.${DEVICE_CLASS}`);
}

/** Whether containers may ask for it under that name. */
function isExtended(name: string): boolean {
  return (name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.")) || name.startsWith(DEVICE_CLASS);
}

function isTerminating({ spec }: Pod): boolean {
  return (spec.activeDeadlineSeconds ?? -1) >= 0;
}

/** It has ended, or should have. */
function isOver({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === "Failed" || status?.phase === "Succeeded") return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function computeUsage(requests: ResourceList, limits: ResourceList): Quantities {
  const usage: Quantities = new Map([["pods", ONE]]);
  for (const name in requests) {
    const amount = parseQuantity(requests[name]!);
    const isBare = COMPUTE.includes(name) || name.startsWith("hugepages-");
    if (isBare) usage.set(name, amount);
    if (isBare || isExtended(name)) usage.set(`requests.${name}`, amount);
  }
  for (const name of COMPUTE) {
    const limit = limits[name];
    if (limit !== undefined) usage.set(`limits.${name}`, parseQuantity(limit));
  }
  return usage;
}

function missing(required: readonly string[], spec: PodSpec): string | undefined {
  const { requests, limits } = spec.resources ?? {};
  if (Object.keys({ ...requests, ...limits }).some(isPodLevelResource)) return undefined;
  const silent = new Map<string, Set<string>>();
  for (const { name, resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    const said = computeUsage(resources?.requests ?? {}, resources?.limits ?? {});
    for (const resource of required) {
      if (TO_BE_SAID.has(resource) && !said.has(resource)) silent.set(resource, (silent.get(resource) ?? new Set()).add(name));
    }
  }
  if (silent.size === 0) return undefined;
  const parts = [...silent.keys()].sort().map((resource) => `${resource} for: ${[...silent.get(resource)!].sort().join(",")}`);
  return `must specify ${parts.join("; ")}`;
}

/** While a resize is under way a container counts by the most of what is wanted, granted and in force. */
function withStatus({ spec, status }: Pod): PodSpec {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].filter(({ resources }) => resources !== undefined);
  if (statuses.length === 0) return spec;
  const isInfeasible = status?.conditions?.some(({ type, reason }) => type === "PodResizePending" && reason === "Infeasible") ?? false;
  const raised = <T extends Container>(container: T): T => {
    const own = statuses.find(({ name }) => name === container.name);
    return own === undefined ? container : { ...container, resources: effective(container, own, isInfeasible) };
  };
  return {
    ...spec,
    containers: spec.containers.map(raised),
    ...(spec.initContainers !== undefined && { initContainers: spec.initContainers.map((each) => (isSidecar(each) ? raised(each) : each)) }),
  };
}

function effective({ resources: wanted }: Container, { resources: inForce, allocatedResources }: ContainerStatus, isInfeasible: boolean) {
  const most = (...lists: (ResourceList | undefined)[]) => {
    const maximum: Quantities = new Map();
    for (const list of lists) maxResources(maximum, amountsOf(list));
    return resourceListOf(maximum);
  };
  return {
    requests: most(isInfeasible ? undefined : wanted?.requests, inForce?.requests, allocatedResources),
    limits: most(isInfeasible ? undefined : wanted?.limits, inForce?.limits),
  };
}

function reachesOtherNamespaces({ affinity }: PodSpec): boolean {
  const far = ({ namespaces = [], namespaceSelector }: PodAffinityTerm) => namespaces.length > 0 || namespaceSelector !== undefined;
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some(
    (each) =>
      each?.requiredDuringSchedulingIgnoredDuringExecution?.some(far) ||
      each?.preferredDuringSchedulingIgnoredDuringExecution?.some(({ podAffinityTerm }) => far(podAffinityTerm)),
  );
}
