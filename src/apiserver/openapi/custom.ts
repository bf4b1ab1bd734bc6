import type { ResourceInfo } from "#api/resources.ts";
import { additionalOf, itemsOf, type JsonSchema as Structural } from "#apimachinery/structural/json-schema.ts";
import type { JsonSchema, SchemaCollector } from "#apiserver/openapi/schemas.ts";
import { sameJson } from "#lib/same-json.ts";

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

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";
const PRESERVE = "x-kubernetes-preserve-unknown-fields";
const TYPE = { apiVersion: { description: API_VERSION, type: "string" }, kind: { description: KIND, type: "string" } };
const CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";
const EMBEDDED_TYPE = {
  apiVersion: {
    description: `apiVersion defines the versioned schema of this representation of an object. More info: ${CONVENTIONS}#resources`,
    type: "string",
  },
  kind: {
    description: `kind is a string value representing the type of this object. In CamelCase. More info: ${CONVENTIONS}#types-kinds`,
    type: "string",
  },
};

/** `com.example.v1.Thing` */
export function customName({ group, version }: Pick<ResourceInfo, "group" | "version">, kind: string): string {
  return `${group.split(".").reverse().join(".")}.${version}.${kind}`;
}

/**
 * Adds the schemas of a custom resource and of its list, by name, as OpenAPI v3 has them.
 *
 * @see apiextensions-apiserver pkg/controller/openapi/builder
 */
export function addCustomSchemas(info: ResourceInfo, collector: SchemaCollector, prefix: string): void {
  const own = published(info.custom!.schema, { metadata: refTo(METADATA, { allOf: [collector.ref("meta/v1.ObjectMeta")] }) });
  const listMeta = refTo(LIST_METADATA, { allOf: [collector.ref("meta/v1.ListMeta")] });
  addSchemas(info, own, { listMeta, prefix }, collector.schemas);
}

/** The same for OpenAPI v2, by name: kubectl before 1.30 checks objects by it, and refuses what it does not know. */
export function customDefinitions(kinds: readonly ResourceInfo[]): Map<string, JsonSchema> {
  const definitions = new Map<string, JsonSchema>();
  const prefix = "#/definitions/";
  const metadata = refTo(METADATA, { $ref: `${prefix}${META}.ObjectMeta` });
  const listMeta = refTo(LIST_METADATA, { $ref: `${prefix}${META}.ListMeta` });
  for (const info of kinds) {
    const schema = info.custom?.schema;
    if (schema === undefined) continue;
    // Whatever properties it named, it would forbid all others.
    const own = schema[PRESERVE] === true ? { type: "object" } : published(forV2(schema), { metadata, isV2: true });
    addSchemas(info, own, { listMeta, prefix }, definitions);
  }
  return definitions;
}

interface Around {
  readonly listMeta: JsonSchema;
  /** Of references. */
  readonly prefix: string;
}

function addSchemas(info: ResourceInfo, own: JsonSchema, { listMeta, prefix }: Around, schemas: Map<string, JsonSchema>): void {
  const { group, version, kind, plural } = info;
  const listKind = info.listKind ?? `${kind}List`;
  const name = customName(info, kind);
  const fields = info.custom!.selectableFields ?? [];
  const selectable = fields.length === 0 ? {} : { "x-kubernetes-selectable-fields": fields.map((fieldPath) => ({ fieldPath })) };
  schemas.set(name, { ...own, "x-kubernetes-group-version-kind": [{ group, kind, version }], ...selectable });
  schemas.set(customName(info, listKind), {
    description: `${listKind} is a list of ${kind}`,
    type: "object",
    required: ["items"],
    properties: {
      ...TYPE,
      items: {
        description: `List of ${plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`,
        type: "array",
        items: { $ref: prefix + name },
      },
      metadata: listMeta,
    },
    "x-kubernetes-group-version-kind": [{ group, kind: listKind, version }],
    ...selectable,
  });
}

function refTo(description: string, ref: JsonSchema): JsonSchema {
  return { description, ...ref };
}

interface Publishing {
  /** The schema of `metadata`. */
  readonly metadata: JsonSchema;
  readonly isV2?: boolean;
}

/** The schema of whole objects. */
function published(schema: Structural, how: Publishing): JsonSchema {
  const { properties = {}, ...rest } = publishedPart(schema, how);
  return { ...rest, type: "object", properties: { ...(properties as JsonSchema), ...TYPE, metadata: how.metadata } };
}

/** A schema as clients are told it: an embedded resource has kind, version and metadata without saying so, a number or string is told to be either. */
function publishedPart(schema: Structural, how: Publishing): JsonSchema {
  const items = itemsOf(schema);
  const more = additionalOf(schema);
  const { properties, required = [] } = schema;
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true && !(how.isV2 === true && schema[PRESERVE] === true);
  const members = properties === undefined ? undefined : Object.entries(properties).map(([name, each]) => [name, publishedPart(each, how)] as const);
  const added = isEmbedded ? { ...EMBEDDED_TYPE, metadata: how.metadata } : {};
  return {
    ...schema,
    ...(how.isV2 !== true && eitherOf(schema)),
    ...(items !== undefined && { items: publishedPart(items, how) }),
    ...(more !== undefined && { additionalProperties: publishedPart(more, how) }),
    ...((members !== undefined || isEmbedded) && { properties: { ...Object.fromEntries(members ?? []), ...added } }),
    ...(isEmbedded && { required: [...required, ...["kind", "apiVersion"].filter((name) => !required.includes(name))] }),
  };
}

const EITHER = [{ type: "integer" }, { type: "string" }];

function eitherOf(schema: Structural): JsonSchema {
  if (schema["x-kubernetes-int-or-string"] !== true) return {};
  const { anyOf, allOf = [] } = schema;
  if (anyOf === undefined && !sameJson(allOf[0], { anyOf: EITHER })) return { anyOf: EITHER };
  return anyOf === undefined || sameJson(anyOf, EITHER) ? {} : { allOf: [{ anyOf: EITHER }, ...allOf] };
}

/**
 * A schema without what OpenAPI v2, or kubectl's reading of it, has no way with.
 *
 * @see apiextensions-apiserver pkg/controller/openapi/v2/conversion.go
 */
function forV2(schema: Structural): Structural {
  const { allOf: _all, oneOf: _one, anyOf: _any, not: _not, nullable, items: _items, properties, additionalProperties, required, type, ...rest } = schema;
  const isOpen = nullable === true || schema[PRESERVE] === true;
  const element = isOpen ? undefined : itemsOf(schema);
  const members = isOpen ? undefined : properties;
  const more = additionalOf(schema);
  const isUntyped = nullable === true || (element === undefined && type === "array") || (schema[PRESERVE] === true && type === "object");
  const needed = more?.nullable === true ? undefined : required?.filter((name) => members?.[name]?.nullable !== true);
  const mapped = members === undefined ? undefined : Object.fromEntries(Object.entries(members).map(([name, each]) => [name, forV2(each)]));
  return {
    ...rest,
    ...(type !== undefined && !isUntyped && { type }),
    ...(needed !== undefined && needed.length > 0 && { required: needed }),
    ...(element !== undefined && { items: forV2(element) }),
    ...(mapped !== undefined && { properties: mapped }),
    ...(additionalProperties !== undefined && { additionalProperties: more === undefined ? additionalProperties : forV2(more) }),
  };
}
