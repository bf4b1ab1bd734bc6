import type { KubeObject } from "#apimachinery/object.ts";

/** An object's metadata alone, for clients that need no more. `apiVersion` is that of `meta.k8s.io`: `meta.k8s.io/v1`. */
export function partialMetadata({ metadata }: KubeObject, apiVersion: string) {
  return { kind: "PartialObjectMetadata", apiVersion, metadata };
}

export function partialMetadataList(objects: readonly KubeObject[], listMeta: object, apiVersion: string) {
  return { kind: "PartialObjectMetadataList", apiVersion, metadata: listMeta, items: objects.map((object) => partialMetadata(object, apiVersion)) };
}
