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

/** The served groups, the core group first, then by priority; each with its versions, the preferred one first. */
export function groupsOf(kinds: readonly ResourceInfo[]): ReadonlyMap<string, readonly string[]> {
  const versions = new Map<string, string[]>();
  for (const { group, version } of kinds) {
    const known = versions.get(group) ?? [];
    if (!known.includes(version)) versions.set(group, [...known, version]);
  }
  const sorted = [...versions].sort(([a], [b]) => groupPriority(b) - groupPriority(a) || (a < b ? -1 : 1));
  return new Map(sorted.map(([group, all]) => [group, all.sort(compareVersions)]));
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
export function groupDiscoveryList(kinds: readonly ResourceInfo[], groups: Iterable<readonly [group: string, versions: readonly string[]]>) {
  const items = [...groups].map(([group, versions]) => ({
    metadata: group === "" ? {} : { name: group },
    versions: versions.map((version) => ({
      version,
      resources: byName(kinds, { group, version }).map(resourceDiscovery),
      freshness: "Current",
    })),
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
