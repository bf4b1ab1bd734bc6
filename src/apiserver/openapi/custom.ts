import type { ResourceInfo } from "#api/resources.ts";
import { additionalOf, itemsOf, type JsonSchema as Structural } from "#apimachinery/structural/json-schema.ts";
import type { JsonSchema, SchemaCollector } from "#apiserver/openapi/schemas.ts";

/** What the documents of custom resources call themselves. */
export const CUSTOM_INFO = { title: "Kubernetes CRD Swagger", version: "v0.1.0" };

const API_VERSION =
  "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, " +
  "and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
const KIND =
  "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. " +
  "Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
const METADATA = "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const LIST_METADATA = "Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";

const TYPE = { apiVersion: { description: API_VERSION, type: "string" }, kind: { description: KIND, type: "string" } };

/** `com.example.v1.Thing` */
export function customName({ group, version }: Pick<ResourceInfo, "group" | "version">, kind: string): string {
  return `${group.split(".").reverse().join(".")}.${version}.${kind}`;
}

/**
 * The schemas of a custom resource and of its list, by name.
 *
 * @see apiextensions-apiserver pkg/controller/openapi/builder
 */
export function addCustomSchemas(info: ResourceInfo, collector: SchemaCollector, prefix: string): void {
  const { group, version, kind } = info;
  const listKind = info.listKind ?? `${kind}List`;
  const name = customName(info, kind);
  const { properties = {}, ...schema } = published(info.custom!.schema) as { properties?: Record<string, JsonSchema> };
  const metadata = { description: METADATA, allOf: [collector.ref("meta/v1.ObjectMeta")] };
  collector.schemas.set(name, {
    ...schema,
    type: "object",
    properties: { ...properties, ...TYPE, metadata },
    "x-kubernetes-group-version-kind": [{ group, kind, version }],
  });
  collector.schemas.set(customName(info, listKind), {
    description: `${listKind} is a list of ${kind}`,
    type: "object",
    required: ["items"],
    properties: {
      ...TYPE,
      items: {
        description: `List of ${info.plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`,
        type: "array",
        items: { $ref: prefix + name },
      },
      metadata: { description: LIST_METADATA, allOf: [collector.ref("meta/v1.ListMeta")] },
    },
    "x-kubernetes-group-version-kind": [{ group, kind: listKind, version }],
  });
}

/** A schema as clients are told it: an embedded resource has kind, version and metadata without saying so. */
function published(schema: Structural): JsonSchema {
  const items = itemsOf(schema);
  const more = additionalOf(schema);
  const { properties } = schema;
  return {
    ...schema,
    ...(items !== undefined && { items: published(items) }),
    ...(more !== undefined && { additionalProperties: published(more) }),
    ...(properties !== undefined && { properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, published(each)])) }),
  };
}
