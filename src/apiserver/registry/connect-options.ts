import type { Schema } from "#apimachinery/schema/schema.ts";
import type { Decodable } from "#apiserver/registry/body.ts";

/** The options that a connection's query has, as the object that admission sees: a PodExecOptions and the like. */
export function queryOptions({ schema, info, apiVersion }: Pick<Decodable, "schema" | "info" | "apiVersion">, query: URLSearchParams): object {
  const options: Record<string, unknown> = { kind: info.kind, apiVersion };
  for (const { name, schema: type } of schema.fields.values()) {
    if (!query.has(name) || name === "kind" || name === "apiVersion") continue;
    const texts = query.getAll(name);
    if (type.kind === "list") options[name] = texts.map((text) => scalarOf(type.items, text));
    else options[name] = scalarOf(type, texts[0]!);
  }
  return options;
}

/** As upstream reads queries: whatever is neither `0` nor `false` is true. */
function scalarOf(schema: Schema, text: string): unknown {
  if (schema.kind !== "scalar") return text;
  if (schema.type === "boolean") return text !== "0" && text.toLowerCase() !== "false";
  return schema.type === "int32" || schema.type === "int64" ? Number(text) : text;
}
