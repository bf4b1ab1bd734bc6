import type { RemoteService } from "#apiserver/aggregation/api-services.ts";
import { pathOf } from "#apiserver/aggregation/remote-dialer.ts";
import type { Fetched } from "#apiserver/aggregation/remote-fetch.ts";
import type { VersionDiscovery } from "#apiserver/discovery/documents.ts";

export type Fetch = (service: RemoteService, path: string, accept: string) => Promise<Fetched>;

const AGGREGATED = ["v2", "v2beta1"].map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`).join(",");

interface GroupDiscoveryList {
  readonly items?: readonly { readonly metadata?: { readonly name?: string }; readonly versions?: readonly VersionDiscovery[] }[];
}

/**
 * What an extension server says of the version of its group that is an APIService's: from its aggregated document, or, where
 * it has none, from the list of resources that is older.
 *
 * @throws {Error} when it says neither
 * @see kubernetes/kube-aggregator pkg/apiserver/handler_discovery.go
 */
export async function fetchDiscovery(service: RemoteService, fetch: Fetch): Promise<VersionDiscovery> {
  const { group, version = "" } = service.spec;
  const { status, headers, body } = await fetch(service, "/apis", AGGREGATED);
  if (status === 503) throw new Error("the extension server is unavailable");
  if (status === 200 && /as=APIGroupDiscoveryList/.test(headers["content-type"] ?? "")) {
    const { items = [] } = JSON.parse(body.toString()) as GroupDiscoveryList;
    const found = items.find(({ metadata }) => metadata?.name === group)?.versions?.find((each) => each.version === version);
    return { version, resources: found?.resources ?? [] };
  }
  const legacy = await fetch(service, pathOf(service), "application/json");
  if (legacy.status !== 200) throw new Error(`${pathOf(service)} was answered with ${legacy.status}`);
  return fromResourceList(version, JSON.parse(legacy.body.toString()) as ResourceList);
}

interface ResourceList {
  readonly resources?: readonly LegacyResource[];
}

interface LegacyResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced?: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

/** @see apiserver pkg/endpoints/installer.go ConvertGroupVersionIntoToDiscovery */
export function fromResourceList(version: string, { resources = [] }: ResourceList): VersionDiscovery {
  const kindOf = ({ group = "", version: of = "", kind }: LegacyResource) => ({ group, version: of, kind });
  const subresourcesOf = (parent: string) =>
    resources.flatMap((each) => {
      const [name, subresource] = each.name.split("/");
      return name !== parent || subresource === undefined ? [] : [{ subresource, responseKind: kindOf(each), verbs: each.verbs ?? [] }];
    });
  const main = resources.filter(({ name }) => !name.includes("/"));
  return {
    version,
    resources: main.map((each) => {
      const { name, namespaced, singularName = "", verbs = [], shortNames = [], categories = [] } = each;
      const subresources = subresourcesOf(name);
      return {
        resource: name,
        responseKind: kindOf(each),
        scope: namespaced === true ? "Namespaced" : "Cluster",
        singularResource: singularName,
        verbs,
        ...(shortNames.length > 0 && { shortNames }),
        ...(categories.length > 0 && { categories }),
        ...(subresources.length > 0 && { subresources }),
      };
    }),
  };
}
