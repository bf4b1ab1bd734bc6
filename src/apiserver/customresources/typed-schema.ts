import { typeSchema } from "#api/schema/table.ts";
import type { FieldSchema, ListSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";
import { additionalOf, itemsOf, type JsonSchema } from "#apimachinery/structural/json-schema.ts";

const PRESERVE = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED = "x-kubernetes-embedded-resource";
const ANY: Schema = { kind: "any" };
const TEXT: Schema = { kind: "scalar", type: "string" };

/**
 * A definition's schema as the one that drives managed fields and apply.
 *
 * @param name what errors call the kind
 */
export function typedSchema(schema: JsonSchema, name: string): StructSchema {
  return resource(schema, name);
}

/** An object with kind, version and metadata. */
function resource(schema: JsonSchema, name: string): StructSchema {
  const { properties = {} } = schema;
  const fields = new Map<string, FieldSchema>([
    ["kind", field("kind", TEXT, undefined)],
    ["apiVersion", field("apiVersion", TEXT, undefined)],
    ["metadata", typeSchema("core/v1.ConfigMap").fields.get("metadata")!],
  ]);
  for (const [key, property] of Object.entries(properties)) if (!fields.has(key)) fields.set(key, field(key, typed(property, key), property.default));
  return { kind: "struct", name, atomic: schema["x-kubernetes-map-type"] === "atomic", fields, preserveUnknown: schema[PRESERVE] === true };
}

const field = (name: string, schema: Schema, value: unknown): FieldSchema => ({
  name,
  schema,
  required: false,
  pointer: true,
  omit: "empty",
  ...(value !== undefined && { default: value }),
  patchStrategy: [],
});

function typed(schema: JsonSchema, name: string): Schema {
  if (schema["x-kubernetes-int-or-string"] === true) return { kind: "scalar", type: "intOrString" };
  if (schema[EMBEDDED] === true) return resource(schema, name);
  switch (schema.type) {
    case "string":
      return TEXT;
    case "integer":
      return { kind: "scalar", type: "int64" };
    case "number":
      return { kind: "scalar", type: "double" };
    case "boolean":
      return { kind: "scalar", type: "boolean" };
    case "array":
      return list(schema, name);
    case "object":
      return object(schema, name);
    default:
      return ANY;
  }
}

function list(schema: JsonSchema, name: string): ListSchema {
  const items = itemsOf(schema);
  const listType = schema["x-kubernetes-list-type"];
  return {
    kind: "list",
    items: items === undefined ? ANY : typed(items, name),
    listType: listType === "set" || listType === "map" ? listType : "atomic",
    mapKeys: schema["x-kubernetes-list-map-keys"] ?? [],
  };
}

function object(schema: JsonSchema, name: string): Schema {
  const { properties = {} } = schema;
  const atomic = schema["x-kubernetes-map-type"] === "atomic";
  const more = additionalOf(schema);
  const isOpen = schema[PRESERVE] === true || schema.additionalProperties === true;
  if (Object.keys(properties).length === 0) return { kind: "map", values: more === undefined ? ANY : typed(more, name), atomic };
  const fields = new Map(Object.entries(properties).map(([key, property]) => [key, field(key, typed(property, key), property.default)]));
  return { kind: "struct", name, atomic, fields, preserveUnknown: isOpen };
}
