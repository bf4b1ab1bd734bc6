import { createHash } from "node:crypto";

import { legacyView } from "#api/legacy/versions.ts";
import { apiVersionOf, type ResourceInfo } from "#api/resources.ts";
import { groupPriority } from "#apiserver/discovery/priorities.ts";

interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** Kinds that are stored as another version's or group's, and what their hash is made of. */
const STORED_AS: Readonly<Record<string, string>> = {
  "apiextensions.k8s.io/v1/CustomResourceDefinition": "apiextensions.k8s.io/v1beta1/CustomResourceDefinition",
  "events.k8s.io/v1/Event": "/v1/Event",
  "autoscaling/v1/HorizontalPodAutoscaler": "autoscaling/v2/HorizontalPodAutoscaler",
  "storage.k8s.io/v1/VolumeAttributesClass": "storage.k8s.io/v1beta1/VolumeAttributesClass",
};

/** In which order versions of groups are told, higher first. */
export interface Priority {
  readonly group: number;
  readonly version: number;
}

/** A resource as aggregated discovery tells of it. */
export interface ResourceDiscovery {
  readonly resource: string;
  readonly [field: string]: unknown;
}

export interface VersionDiscovery {
  readonly version: string;
  readonly resources?: readonly ResourceDiscovery[] | undefined;
}

/** A version of a group that another server serves. */
export interface RemoteVersion extends GroupVersion {
  readonly discovery: VersionDiscovery;
  readonly freshness: "Current" | "Stale";
}

/** Where nobody says anything of a version. */
const VERSION_PRIORITY = 100;
export const defaultPriority = ({ group }: GroupVersion): Priority => ({ group: groupPriority(group), version: VERSION_PRIORITY });

/**
 * The served groups, the core group and that of API services first, then by priority; each with its versions, the preferred
 * one first.
 *
 * @see kubernetes/kube-aggregator pkg/apis/apiregistration/v1/helper/helpers.go SortedByGroupAndVersion
 */
export function groupsOf(served: Iterable<GroupVersion>, priorityOf: (at: GroupVersion) => Priority = defaultPriority): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, GroupVersion & { readonly priority: Priority }>();
  for (const { group, version } of served) {
    const name = `${version}.${group}`;
    if (!all.has(name)) all.set(name, { group, version, priority: priorityOf({ group, version }) });
  }
  const rank = ({ group, priority }: { readonly group: string; readonly priority: Priority }) =>
    group === "" ? Infinity : group === "apiregistration.k8s.io" ? Number.MAX_VALUE : priority.group;
  const sorted = [...all].sort(([a, left], [b, right]) => rank(right) - rank(left) || (a < b ? -1 : 1));
  const byGroup = Map.groupBy(
    sorted.map(([, each]) => each),
    ({ group }) => group,
  );
  const versionsOf = (versions: readonly (typeof sorted)[number][1][]) =>
    versions.toSorted((a, b) => b.priority.version - a.priority.version || compareVersions(a.version, b.version)).map(({ version }) => version);
  return new Map([...byGroup].map(([group, versions]) => [group, versionsOf(versions)]));
}

/** Released versions before betas before alphas, later ones first. */
export function compareVersions(a: string, b: string): number {
  const rank = (version: string): readonly number[] | undefined => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (match === null) return undefined;
    const stage = match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0;
    return [stage, Number(match[1]), Number(match[3] ?? 0)];
  };
  const [left, right] = [rank(a), rank(b)];
  if (left === undefined || right === undefined) return left === right ? (a < b ? -1 : 1) : left === undefined ? 1 : -1;
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return right[i]! - left[i]!;
  return 0;
}

export const apiVersions = (serverAddress: string) => ({
  kind: "APIVersions",
  versions: ["v1"],
  serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
});

export function apiGroup(name: string, versions: readonly string[]) {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
}

export const apiGroupList = (groups: ReadonlyMap<string, readonly string[]>) => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: [...groups].filter(([group]) => group !== "").map(([group, versions]) => apiGroup(group, versions)),
});

/** What one version of a group serves, each subresource as a resource of its own. */
export function apiResourceList(kinds: readonly ResourceInfo[], at: GroupVersion) {
  const resources = byName(kinds, at).flatMap((info) => [mainResource(info), ...subresourcesOf(info)]);
  // The core group's list is older than the field.
  return { kind: "APIResourceList", ...(at.group !== "" && { apiVersion: "v1" }), groupVersion: apiVersionOf(at), resources };
}

const byName = (kinds: readonly ResourceInfo[], at: GroupVersion) =>
  kinds.filter(({ group, version }) => group === at.group && version === at.version).sort((a, b) => (a.plural < b.plural ? -1 : 1));

function mainResource(info: ResourceInfo) {
  return {
    name: info.plural,
    singularName: info.singular,
    namespaced: info.namespaced,
    kind: info.kind,
    verbs: info.verbs,
    ...(info.shortNames.length > 0 && { shortNames: info.shortNames }),
    ...(info.categories.length > 0 && { categories: info.categories }),
    ...(isStored(info) && { storageVersionHash: storageVersionHash(info) }),
  };
}

function subresourcesOf(info: ResourceInfo) {
  return info.subresources.map(({ name, group, version, kind, verbs }) => ({
    name: `${info.plural}/${name}`,
    singularName: "",
    namespaced: info.namespaced,
    ...((group !== info.group || version !== info.version) && { group, version }),
    kind,
    verbs,
  }));
}

const isStored = ({ verbs }: ResourceInfo) => verbs.includes("watch");

function storageVersionHash(info: ResourceInfo): string {
  const { group, version, kind, custom } = info;
  const legacy = info.legacy === true ? legacyView(info) : undefined;
  const own = `${legacy?.stored.apiVersion ?? `${group}/${custom?.storageVersion ?? version}`}/${kind}`;
  return createHash("sha256")
    .update(STORED_AS[own] ?? own)
    .digest()
    .subarray(0, 8)
    .toString("base64");
}

/** Aggregated discovery: everything of some groups in one document. */
export function groupDiscoveryList(
  kinds: readonly ResourceInfo[],
  groups: Iterable<readonly [group: string, versions: readonly string[]]>,
  remotes: readonly RemoteVersion[] = [],
) {
  const of = (group: string, version: string) => {
    const remote = remotes.find((each) => each.group === group && each.version === version);
    if (remote !== undefined) return { ...remote.discovery, version, freshness: remote.freshness };
    return { version, resources: byName(kinds, { group, version }).map(resourceDiscovery), freshness: "Current" };
  };
  const items = [...groups].map(([group, versions]) => ({
    metadata: group === "" ? {} : { name: group },
    versions: versions.map((version) => of(group, version)),
  }));
  return { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items };
}

function resourceDiscovery(info: ResourceInfo) {
  return {
    resource: info.plural,
    responseKind: { group: "", version: "", kind: info.kind },
    scope: info.namespaced ? "Namespaced" : "Cluster",
    singularResource: info.singular,
    verbs: info.verbs,
    ...(info.shortNames.length > 0 && { shortNames: info.shortNames }),
    ...(info.categories.length > 0 && { categories: info.categories }),
    ...(info.subresources.length > 0 && { subresources: info.subresources.map((each) => subresourceDiscovery(info, each)) }),
  };
}

function subresourceDiscovery(info: ResourceInfo, { name, group, version, kind, verbs }: ResourceInfo["subresources"][number]) {
  const own = group === info.group && version === info.version;
  return { subresource: name, responseKind: { group: own ? "" : group, version: own ? "" : version, kind }, verbs };
}
