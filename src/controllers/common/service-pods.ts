import { isIPv6 } from "node:net";

import { PODS, SERVICES } from "#api/builtin.ts";
import { isPodFinished, podCondition } from "#api/core-v1/pod/status.ts";
import { isSidecar } from "#api/core-v1/pod/resources.ts";
import type { Pod, Service, ServicePort } from "#api/core-v1/types.ts";
import { keyOf } from "#apimachinery/object.ts";
import type { Informer, InformerFactory } from "#client/informer.ts";
import { selectsAll } from "#apimachinery/label-selector.ts";
import type { WorkQueue } from "#client/work-queue.ts";

export type IpFamily = "IPv4" | "IPv6";

const pairs = (namespace: string | undefined, labels: Readonly<Record<string, string>> | undefined) =>
  Object.entries(labels ?? {}).map(([key, value]) => `${namespace}/${key}=${value}`);

/** Files pods under each of their labels, and services under one that they select by: neither looks through a namespace. */
const POD_LABELS = { labels: ({ metadata }: Pod) => pairs(metadata.namespace, metadata.labels) };
const SERVICE_SELECTOR = { selector: ({ metadata, spec }: Service) => pairs(metadata.namespace, spec.selector).slice(0, 1) };

/** Services and the pods that they select, found from either side. */
export class ServicePods {
  readonly services: Informer<Service>;
  readonly pods: Informer<Pod>;

  constructor(informers: InformerFactory) {
    this.services = informers.informer(SERVICES, SERVICE_SELECTOR);
    this.pods = informers.informer(PODS, POD_LABELS);
  }

  /** Pods that can be endpoints of a service, by name. */
  podsOf({ metadata, spec }: Service, includeTerminating: boolean): readonly Pod[] {
    const [pair] = pairs(metadata.namespace, spec.selector);
    if (pair === undefined) return [];
    const fits = (pod: Pod) => selectsAll(spec.selector ?? {}, pod.metadata.labels) && canBeEndpoint(pod, includeTerminating);
    return this.pods
      .byIndex("labels", pair)
      .filter(fits)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  servicesOf({ metadata }: Pod): readonly Service[] {
    const candidates = pairs(metadata.namespace, metadata.labels).flatMap((pair) => this.services.byIndex("selector", pair));
    return candidates.filter(({ spec }) => selectsAll(spec.selector ?? {}, metadata.labels));
  }

  /** Adds a service's key whenever it or what it selects changes in a way that endpoints can show. */
  enqueueInto(queue: WorkQueue): void {
    const enqueue = (service: Service) => queue.add(keyOf(service));
    this.services.onChange({ added: enqueue, updated: enqueue, deleted: enqueue });
    const enqueueServices = (pod: Pod) => this.servicesOf(pod).forEach(enqueue);
    this.pods.onChange({
      added: enqueueServices,
      updated: (pod, before) => {
        if (shown(pod) === shown(before)) return;
        enqueueServices(pod);
        if (pod.metadata.labels !== before.metadata.labels) enqueueServices(before);
      },
      deleted: enqueueServices,
    });
  }
}

/** What of a pod can change an endpoint, as text. */
function shown({ metadata, spec, status }: Pod): string {
  const ready = podCondition({ status }, "Ready")?.status;
  return JSON.stringify([metadata.labels, metadata.deletionTimestamp !== undefined, spec.nodeName, status?.phase, status?.podIPs ?? status?.podIP, ready]);
}

function canBeEndpoint(pod: Pod, includeTerminating: boolean): boolean {
  return !isPodFinished(pod) && ipsOf(pod).length > 0 && (includeTerminating || pod.metadata.deletionTimestamp === undefined);
}

function ipsOf({ status }: Pod): readonly string[] {
  const ips = (status?.podIPs ?? []).map(({ ip }) => ip).filter((ip) => ip !== "");
  return ips.length > 0 ? ips : status?.podIP ? [status.podIP] : [];
}

export function ipsOfFamily(pod: Pod, family: IpFamily): readonly string[] {
  return ipsOf(pod).filter((ip) => isIPv6(ip) === (family === "IPv6"));
}

export function isHeadless({ spec }: Service): boolean {
  return !spec.clusterIP || spec.clusterIP === "None";
}

/** The families in which a service has endpoints. */
export function familiesOf({ spec }: Service): readonly IpFamily[] {
  const families = (spec.ipFamilies ?? []).filter((family): family is IpFamily => family === "IPv4" || family === "IPv6");
  if (families.length > 0) return families;
  return [spec.clusterIP !== undefined && isIPv6(spec.clusterIP) ? "IPv6" : "IPv4"];
}

/** The number of a service's target port in a pod: a name is looked up in its containers, sidecars included. */
export function targetPortOf({ spec }: Pod, { targetPort, port, protocol = "TCP" }: ServicePort): number | undefined {
  if (typeof targetPort !== "string") return targetPort ?? port;
  const sidecars = (spec.initContainers ?? []).filter(isSidecar);
  for (const { ports = [] } of [...spec.containers, ...sidecars]) {
    const found = ports.find((candidate) => candidate.name === targetPort && (candidate.protocol ?? "TCP") === protocol);
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

/** The name by which a headless service's DNS knows the pod. */
export function endpointHostname({ spec }: Pod, service: Service): string | undefined {
  return spec.hostname && spec.subdomain === service.metadata.name ? spec.hostname : undefined;
}
