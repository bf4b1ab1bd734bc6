import type { ComponentStatus, ConfigMap, Event, Namespace, Node, ResourceQuota, Secret, ServiceAccount } from "#api/core-v1/types.ts";
import type { Lease } from "#api/coordination-v1/types.ts";
import type { Event as NewEvent } from "#api/events-v1/types.ts";
import type { LeaseCandidate } from "#api/coordination-v1beta1/types.ts";
import { canonicalQuantity } from "#apimachinery/quantity.ts";
import { age, ageOf, NONE, printer, type Cell, type Printers } from "#apiserver/tables/cells.ts";

const size = (map: object | undefined) => Object.keys(map ?? {}).length;

export const corePrinters: Printers = {
  "/Node": printer<Node>(nodeCells),
  "/Event": printer<Event>(eventCells),
  "events.k8s.io/Event": printer<NewEvent>((event, now) => eventCells(asCoreEvent(event), now)),
  "/Namespace": printer<Namespace>((namespace, now) => [namespace.metadata.name, namespace.status?.phase ?? "", ageOf(namespace, now)]),
  "/Secret": printer<Secret>((secret, now) => [secret.metadata.name, secret.type ?? "", size(secret.data), ageOf(secret, now)]),
  "/ConfigMap": printer<ConfigMap>((map, now) => [map.metadata.name, size(map.data) + size(map.binaryData), ageOf(map, now)]),
  "/ServiceAccount": printer<ServiceAccount>((account, now) => [account.metadata.name, ageOf(account, now)]),
  "/ResourceQuota": printer<ResourceQuota>(quotaCells),
  "/ComponentStatus": printer<ComponentStatus>(({ metadata, conditions }) => {
    const healthy = conditions?.find(({ type }) => type === "Healthy");
    const status = healthy === undefined ? "Unknown" : healthy.status === "True" ? "Healthy" : "Unhealthy";
    return [metadata.name, status, healthy?.message ?? "", healthy?.error ?? ""];
  }),
  "coordination.k8s.io/Lease": printer<Lease>((lease, now) => [lease.metadata.name, lease.spec?.holderIdentity ?? "", ageOf(lease, now)]),
  "coordination.k8s.io/LeaseCandidate": printer<LeaseCandidate>((candidate, now) => [
    candidate.metadata.name,
    candidate.spec?.leaseName ?? "",
    candidate.spec?.binaryVersion ?? "",
    candidate.spec?.emulationVersion ?? "",
    ageOf(candidate, now),
  ]),
};

function nodeCells(node: Node, nowMs: number): Cell[] {
  const { metadata, spec, status } = node;
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const words = [ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady", ...(spec?.unschedulable ? ["SchedulingDisabled"] : [])];
  const address = (wanted: string) => status?.addresses?.find(({ type }) => type === wanted)?.address ?? NONE;
  const info = status?.nodeInfo;
  return [
    metadata.name,
    words.join(","),
    nodeRoles(metadata.labels ?? {}),
    ageOf(node, nowMs),
    info?.kubeletVersion ?? "",
    address("InternalIP"),
    address("ExternalIP"),
    info?.osImage || "<unknown>",
    info?.kernelVersion || "<unknown>",
    info?.containerRuntimeVersion || "<unknown>",
  ];
}

const ROLE_PREFIX = "node-role.kubernetes.io/";

function nodeRoles(labels: Readonly<Record<string, string>>): string {
  const prefixed = Object.keys(labels)
    .filter((key) => key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length)
    .map((key) => key.slice(ROLE_PREFIX.length));
  const roles = new Set([...prefixed, ...(labels["kubernetes.io/role"] ? [labels["kubernetes.io/role"]] : [])]);
  return roles.size === 0 ? NONE : [...roles].sort().join(",");
}

function eventCells(event: Event, nowMs: number): Cell[] {
  const { series, involvedObject, source } = event;
  const first = event.firstTimestamp ? age(event.firstTimestamp, nowMs) : age(event.eventTime, nowMs);
  const last = series !== undefined ? age(series.lastObservedTime, nowMs) : event.lastTimestamp ? age(event.lastTimestamp, nowMs) : first;
  const kind = (involvedObject?.kind ?? "").toLowerCase();
  const component = source?.component || event.reportingComponent || "";
  const instance = source?.host || event.reportingInstance || "";
  return [
    last,
    event.type ?? "",
    event.reason ?? "",
    involvedObject?.name ? `${kind}/${involvedObject.name}` : kind,
    involvedObject?.fieldPath ?? "",
    instance === "" ? component : `${component}, ${instance}`,
    (event.message ?? "").trim(),
    first,
    series !== undefined ? (series.count ?? 0) : event.count || 1,
    event.metadata.name,
  ];
}

function asCoreEvent(event: NewEvent): Event {
  const { regarding, note, reportingController, deprecatedSource, deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount, ...rest } = event;
  const renamed = {
    involvedObject: regarding,
    message: note,
    reportingComponent: reportingController,
    source: deprecatedSource,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    count: deprecatedCount,
  };
  return { ...rest, ...renamed } as unknown as Event;
}

function quotaCells(quota: ResourceQuota, nowMs: number): Cell[] {
  const { hard = {}, used = {} } = quota.status ?? {};
  const text = (names: readonly string[]) =>
    names.map((name) => `${name}: ${canonicalQuantity(used[name] ?? "0")}/${canonicalQuantity(hard[name]!)}`).join(", ");
  const names = Object.keys(hard).sort();
  const isLimit = (name: string) => name.startsWith("limits.");
  return [quota.metadata.name, text(names.filter((name) => !isLimit(name))), text(names.filter(isLimit)), ageOf(quota, nowMs)];
}
