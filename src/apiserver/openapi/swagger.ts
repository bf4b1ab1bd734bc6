import { PATCH_TYPES } from "#apiserver/openapi/document.ts";
import type { JsonSchema } from "#apiserver/openapi/schemas.ts";

type Json = Readonly<Record<string, unknown>>;

/** A document of OpenAPI v3, as far as it is read here. */
export interface DocumentV3 {
  readonly paths: Readonly<Record<string, Json>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** The document of OpenAPI v2. */
export interface Swagger {
  readonly swagger: "2.0";
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Json>>;
  readonly definitions: Readonly<Record<string, JsonSchema>>;
  readonly securityDefinitions: Json;
  readonly security: readonly Json[];
}

const MERGE_PATCH = "application/merge-patch+json";
const REF_V3 = "#/components/schemas/";
const REF_V2 = "#/definitions/";
/** Those that v2 has no word for. Upstream leaves defaults out of it, too. */
const UNKNOWN_TO_V2 = new Set(["default", "oneOf", "anyOf", "not", "nullable", "allOf", "properties", "items", "additionalProperties", "$ref"]);

/**
 * One document of all that the v3 documents tell apart, as kubectl before 1.30 wants it.
 *
 * @param custom definitions that are not made of those of v3, by name
 */
export function swaggerOf(documents: Iterable<DocumentV3>, custom: ReadonlyMap<string, JsonSchema>, release: string): Swagger {
  const paths: Record<string, Json> = {};
  const definitions: Record<string, JsonSchema> = {};
  for (const { paths: some, components } of documents) {
    for (const [path, item] of Object.entries(some)) paths[path] = pathItem(item);
    for (const [name, schema] of Object.entries(components.schemas)) {
      const kinds = definitions[name]?.[KINDS] as readonly unknown[] | undefined;
      // Each group version names only its own kinds of a type that many share.
      definitions[name] = custom.get(name) ?? {
        ...schemaV2(schema),
        ...(kinds !== undefined && { [KINDS]: mergedKinds(kinds, schema[KINDS] as readonly unknown[] | undefined) }),
      };
    }
  }
  const BearerToken = { description: "Bearer Token authentication", type: "apiKey", name: "authorization", in: "header" };
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version: release },
    paths: sorted(paths),
    definitions: sorted(definitions),
    securityDefinitions: { BearerToken },
    security: [{ BearerToken: [] }],
  };
}

const KINDS = "x-kubernetes-group-version-kind";

function mergedKinds(some: readonly unknown[], more: readonly unknown[] = []): readonly unknown[] {
  const known = new Set(some.map((kind) => JSON.stringify(kind)));
  return [...some, ...more.filter((kind) => !known.has(JSON.stringify(kind)))];
}

const sorted = <T>(values: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

function pathItem(item: Json): Json {
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) => [key, key === "parameters" ? (value as readonly Json[]).map(parameter) : operation(value as Json)]),
  );
}

interface OperationV3 {
  readonly parameters?: readonly Json[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>; readonly required?: boolean };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>> }>>;
}

function operation(source: Json): Json {
  const { parameters = [], requestBody, responses, ...rest } = source as unknown as OperationV3 & Json;
  const sent = Object.entries(requestBody?.content ?? {});
  const produced = Object.keys(Object.values(responses).find(({ content }) => content !== undefined)?.content ?? {});
  const body = sent.slice(0, 1).map(([, { schema }]) => ({
    name: "body",
    in: "body",
    ...(requestBody?.required === true && { required: true }),
    schema: schemaV2(schema),
  }));
  const all = [...body, ...parameters.map(parameter)];
  return {
    ...rest,
    consumes: sent.length === PATCH_TYPES.length ? PATCH_TYPES : sent.some(([type]) => type === MERGE_PATCH) ? sent.map(([type]) => type) : ["*/*"],
    produces: produced,
    schemes: ["https"],
    ...(all.length > 0 && { parameters: all }),
    responses: Object.fromEntries(Object.entries(responses).map(([code, response]) => [code, answer(response)])),
  };
}

function answer({ description, content }: OperationV3["responses"][string]): Json {
  const [first] = Object.values(content ?? {});
  return { description, ...(first !== undefined && { schema: schemaV2(first.schema) }) };
}

function parameter({ schema, ...rest }: Json): Json {
  return { ...rest, ...(schema as Json) };
}

function schemaV2(schema: JsonSchema): JsonSchema {
  const { allOf, properties, items, additionalProperties, oneOf, format } = schema;
  const ref = (schema["$ref"] ?? (allOf as readonly JsonSchema[] | undefined)?.[0]?.["$ref"]) as string | undefined;
  const kept = Object.fromEntries(Object.entries(schema).filter(([key]) => !UNKNOWN_TO_V2.has(key)));
  return {
    ...kept,
    ...(ref !== undefined && { $ref: ref.replace(REF_V3, REF_V2) }),
    // What is a number or a string, is a string to v2; its format says more.
    ...(oneOf !== undefined && { type: "string", ...(format !== undefined && { format }) }),
    ...(items !== undefined && { items: schemaV2(items as JsonSchema) }),
    ...(additionalProperties !== undefined && {
      additionalProperties: typeof additionalProperties === "object" ? schemaV2(additionalProperties as JsonSchema) : additionalProperties,
    }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties as Record<string, JsonSchema>).map(([name, property]) => [name, schemaV2(property)])),
    }),
  };
}
