import { type JsonSchema, propertyOf } from "#apimachinery/structural/json-schema.ts";

const TEXT: JsonSchema = { type: "string" };
const METADATA: JsonSchema = { type: "object", properties: { name: TEXT, generateName: TEXT } };

/** The schema of a whole object: expressions may always speak of its kind, version and name. */
export function withTypeMeta(schema: JsonSchema): JsonSchema {
  const typeOf = (name: string) => propertyOf(schema, name)?.type;
  const metadata = propertyOf(schema, "metadata");
  const names = ["name", "generateName"].every((name) => metadata !== undefined && propertyOf(metadata, name)?.type === "string");
  if (typeOf("kind") === "string" && typeOf("apiVersion") === "string" && metadata?.type === "object" && names) return schema;
  return { ...schema, properties: { ...schema.properties, kind: TEXT, apiVersion: TEXT, metadata: METADATA } };
}
