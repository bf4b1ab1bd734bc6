import type { RemoteService } from "#apiserver/aggregation/api-services.ts";
import type { RemoteVersion } from "#apiserver/discovery/documents.ts";

/** Of a server that has not said anything yet. */
export function unknownVersion({ spec }: RemoteService): RemoteVersion {
  const { group = "", version = "" } = spec;
  return { group, version, discovery: { version, resources: [] }, freshness: "Stale" };
}
