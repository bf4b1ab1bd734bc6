import type { Resource } from "#api/resources.ts";
import type { CallOptions } from "#client/transport.ts";

export interface PathParts {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** The path of a collection, an object or a subresource, as the API server routes it. */
export function apiPath({ resource, namespace, name, subresource }: PathParts): string {
  const { group, version, plural, namespaced } = resource;
  const parts = group === "" ? ["api", version] : ["apis", group, version];
  if (namespaced && namespace !== undefined) parts.push("namespaces", namespace);
  parts.push(plural);
  if (name !== undefined) parts.push(name);
  if (subresource !== undefined) parts.push(...subresource.split("/"));
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

/** `?a=b`, or nothing when no option is set. */
export function queryString(options: CallOptions & { readonly watch?: boolean; readonly allowWatchBookmarks?: boolean }): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size === 0 ? "" : `?${query}`;
}
