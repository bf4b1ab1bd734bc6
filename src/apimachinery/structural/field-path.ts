import { additionalOf, type JsonSchema, propertyOf } from "./json-schema.ts";

export type FoundField = { readonly path: string; readonly schema: JsonSchema | undefined } | { readonly fault: string };

/**
 * Where a path like `.spec.map['key']` leads in a schema.
 *
 * @see apiextensions-apiserver pkg/apiserver/schema/cel/validation.go, ValidFieldPath
 */
export function fieldAt(jsonPath: string, root: JsonSchema, allowBrackets = true): FoundField {
  const tokens = jsonPath.match(/'(?:[^'\\]|\\.)*'?|[.[\]]|[^.[\]]+/gs) ?? [];
  let schema: JsonSchema | undefined = root;
  let path = "";
  const next = { at: 0 };
  const step = (name: string): string | undefined => {
    const isNamed: boolean = schema?.properties !== undefined;
    if (!isNamed && schema?.additionalProperties === undefined) return "does not refer to a valid field";
    path += isNamed ? `${path === "" ? "" : "."}${name}` : `[${name}]`;
    schema = isNamed ? propertyOf(schema!, name) : additionalOf(schema!);
    return isNamed && schema === undefined ? "does not refer to a valid field" : undefined;
  };
  while (next.at < tokens.length) {
    const token = tokens[next.at++]!;
    const fault =
      token === "." ? dotted(tokens, next, step) : token === "[" ? bracketed(tokens, next, step, allowBrackets) : `expected [ or . but got: ${token}`;
    if (fault !== undefined) return { fault };
  }
  return { path, schema };
}

const ESCAPES: Readonly<Record<string, string>> = { a: "\u0007", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

type Step = (name: string) => string | undefined;

function dotted(tokens: readonly string[], next: { at: number }, step: Step): string | undefined {
  const name = tokens[next.at++];
  return name === undefined ? "unexpected end of JSON path" : step(name);
}

function bracketed(tokens: readonly string[], next: { at: number }, step: Step, allowed: boolean): string | undefined {
  if (!allowed) return "array notation is not allowed";
  const quoted = tokens[next.at++];
  if (quoted === undefined) return "unexpected end of JSON path";
  if (quoted.length < 2 || !quoted.startsWith("'") || !quoted.endsWith("'")) return `expected single quoted string but got ${quoted}`;
  const strange = /\\[^abfnrtv'\\]/.exec(quoted.slice(1, -1));
  if (strange !== null) return `invalid string literal: invalid escape char ${strange[0]}`;
  const fault = step(quoted.slice(1, -1).replace(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? char));
  if (fault !== undefined) return fault;
  const close = tokens[next.at++];
  if (close === undefined) return "unexpected end of JSON path";
  return close === "]" ? undefined : `expected ] but got ${close}`;
}
