import { isDeepStrictEqual } from "node:util";

import type { JsonSchema } from "#apiserver/openapi/schemas.ts";
import type { Swagger } from "#apiserver/openapi/swagger.ts";

type Json = Readonly<Record<string, unknown>>;
const REF = "#/definitions/";

/** Of a document, the paths below `prefix`, and the definitions that they come to. */
export function partOf(document: Swagger, prefix: string): Swagger {
  const paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => path.startsWith(prefix)));
  const definitions: Record<string, JsonSchema> = {};
  const take = (value: unknown): void =>
    eachRef(value, (name) => {
      const found = document.definitions?.[name];
      if (found === undefined || Object.hasOwn(definitions, name)) return;
      definitions[name] = found;
      take(found);
    });
  take(paths);
  return { ...document, paths, definitions };
}

/**
 * One document of several: paths of the first that has them; definitions of one name that say different things are kept
 * under names of their own.
 *
 * @see kube-openapi pkg/aggregator/aggregator.go
 */
export function mergedSwagger(base: Swagger, parts: readonly Swagger[]): Swagger {
  const paths: Record<string, Json> = { ...base.paths };
  const definitions: Record<string, JsonSchema> = { ...base.definitions };
  for (const part of parts) {
    const renamed = new Map<string, string>();
    for (const [name, schema] of Object.entries(part.definitions)) {
      const known = definitions[name];
      if (known !== undefined && !isAlike(known, schema)) renamed.set(name, freeName(name, definitions, part.definitions));
    }
    for (const [name, schema] of Object.entries(part.definitions)) definitions[renamed.get(name) ?? name] ??= withRefs(schema, renamed) as JsonSchema;
    for (const [path, item] of Object.entries(part.paths)) paths[path] ??= withRefs(item, renamed) as Json;
  }
  return { ...base, paths, definitions };
}

/** Which kinds a type is of differs from server to server, and is no difference. */
function isAlike(a: JsonSchema, b: JsonSchema): boolean {
  const { "x-kubernetes-group-version-kind": _a, ...left } = a;
  const { "x-kubernetes-group-version-kind": _b, ...right } = b;
  return isDeepStrictEqual(left, right);
}

function freeName(name: string, ...taken: readonly object[]): string {
  for (let i = 2; ; i++) if (!taken.some((names) => Object.hasOwn(names, `${name}_v${i}`))) return `${name}_v${i}`;
}

function eachRef(value: unknown, found: (name: string) => void): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "$ref" && typeof inner === "string" && inner.startsWith(REF)) found(inner.slice(REF.length));
    else eachRef(inner, found);
  }
}

function withRefs(value: unknown, renamed: ReadonlyMap<string, string>): unknown {
  if (renamed.size === 0 || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => withRefs(each, renamed));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const to = key === "$ref" && typeof inner === "string" && inner.startsWith(REF) ? renamed.get(inner.slice(REF.length)) : undefined;
      return [key, to === undefined ? withRefs(inner, renamed) : REF + to];
    }),
  );
}
