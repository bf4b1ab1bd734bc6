import type { ResourceInfo } from "#api/resources.ts";
import { failure } from "#apimachinery/status-error.ts";
import { internalPackage } from "#apiserver/registry/body.ts";

const CUSTOM_PATCHES = ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

/** Nothing says how the lists of a custom resource merge. */
export function strategicOfCustom(): Error {
  const why = `the body of the request was in an unknown format - accepted media types include: ${CUSTOM_PATCHES.join(", ")}`;
  return failure(415, "UnsupportedMediaType", why);
}

/** @see kubernetes staging/src/k8s.io/apiserver/pkg/endpoints/deprecation/deprecation.go */
function legacyWarning({ group, version, kind, lifecycle = {} }: ResourceInfo): string {
  const { deprecated, removed, replacement = "" } = lifecycle;
  const [newerGroup, newerVersion, newerKind] = replacement.split(",");
  return `${group}/${version} ${kind} is deprecated in v${deprecated}+, unavailable in v${removed}+; use ${newerGroup}/${newerVersion} ${newerKind}`;
}

/** What every request for an old API is told. */
export function deprecation(info: ResourceInfo): string | undefined {
  const { group, version, kind, custom } = info;
  if (custom !== undefined) return custom.deprecation;
  if (info.legacy === true) return legacyWarning(info);
  if (group !== "") return undefined;
  if (kind === "Endpoints") return `${version} Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice`;
  return kind === "ComponentStatus" ? `${version} ComponentStatus is deprecated in v1.19+` : undefined;
}

export function notAList({ group, kind }: ResourceInfo): Error {
  return failure(406, "NotAcceptable", `you requested PartialObjectMetadataList, but the requested object is not a list (*${internalPackage(group)}.${kind})`);
}

export function notASingle({ group, kind, listKind = `${kind}List` }: ResourceInfo): Error {
  return failure(406, "NotAcceptable", `you requested PartialObjectMetadata, but the requested object is a list (*${internalPackage(group)}.${listKind})`);
}
