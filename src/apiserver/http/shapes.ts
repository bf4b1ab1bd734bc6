import type { KubeObject } from "#apimachinery/object.ts";
import type { Accepted } from "#apiserver/http/negotiation.ts";
import type { ServedResource } from "#apiserver/registry/resource-table.ts";
import { partialMetadata, partialMetadataList } from "#apiserver/tables/partial-metadata.ts";
import { parseIncludeObject, renderTable, type TableRequest } from "#apiserver/tables/render.ts";

/** What objects are turned into for a client that asked for Tables or metadata. */
export interface Transform {
  /** @param listMeta the list's own metadata; for one object, its resourceVersion */
  table(objects: readonly KubeObject[], listMeta: object, withColumns: boolean): object;
  partial(object: KubeObject): object;
  partialList(objects: readonly KubeObject[], listMeta: object): object;
}

/** @throws {StatusError} 400 for an `includeObject` that does not exist */
export function transformFor(
  { info, custom }: { readonly info: TableRequest["info"]; readonly custom?: ServedResource["custom"] },
  { asVersion }: Accepted,
  query: URLSearchParams,
  nowMs: () => number,
): Transform {
  const apiVersion = `meta.k8s.io/${asVersion}`;
  const includeObject = parseIncludeObject(query.get("includeObject"));
  return {
    table: (objects, listMeta, withColumns) =>
      renderTable({ info, layout: custom?.layout, objects, includeObject, apiVersion, listMeta, nowMs: nowMs(), withColumns }),
    partial: (object) => partialMetadata(object, apiVersion),
    partialList: (objects, listMeta) => partialMetadataList(objects, listMeta, apiVersion),
  };
}
