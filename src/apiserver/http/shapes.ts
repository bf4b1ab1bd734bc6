import type { ResourceInfo } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { Accepted } from "#apiserver/http/negotiation.ts";

export interface TableOptions {
  readonly includeObject: "Metadata" | "Object" | "None";
  readonly version: string;
  /** The list's own metadata; for one object, its resourceVersion. */
  readonly metadata: object;
  /** Leaves the column definitions out, as later events of a watch do. */
  readonly noHeaders: boolean;
}

/** Turns objects into a `Table`. */
export type TableRenderer = (info: ResourceInfo, objects: readonly KubeObject[], options: TableOptions) => object;

/** @throws {StatusError} 406 for `includeObject` values that do not exist */
export function includeObjectOf(query: URLSearchParams): TableOptions["includeObject"] {
  const asked = query.get("includeObject") ?? "";
  if (asked === "" || asked === "Metadata") return "Metadata";
  if (asked === "Object" || asked === "None") return asked;
  throw statusError.badRequest(`includeObject: Invalid value: ${JSON.stringify(asked)}: must be 'Metadata', 'Object', 'None', or empty`);
}

/** The object's metadata alone. */
export function partial({ metadata }: KubeObject, { asVersion }: Accepted): object {
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${asVersion}`, metadata };
}

export function partialList(objects: readonly KubeObject[], metadata: object, accepted: Accepted): object {
  const apiVersion = `meta.k8s.io/${accepted.asVersion}`;
  return { kind: "PartialObjectMetadataList", apiVersion, metadata, items: objects.map((object) => partial(object, accepted)) };
}
