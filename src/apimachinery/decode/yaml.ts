import { createRequire } from "node:module";

import type * as Yaml from "yaml";

import { DecodeError } from "./decode-error.ts";
import { mayLoseIntegers, noteExactIntegers } from "./exact-integers.ts";
import type { ParsedJson } from "./json.ts";

/** More are an attack: each alias may stand for a document of its own. */
const MAX_ALIASES = 100;

const require = createRequire(import.meta.url);
let loaded: typeof Yaml | undefined;

/**
 * Parses the first document of a YAML text as Go's library does: version 1.1, without its numbers of base 60 and its dates.
 *
 * @returns `duplicates` in that library's words: `line 8: key "data" already set in map`
 * @throws {DecodeError} with `yaml: ` and, for the common mistakes, that library's words
 */
export function parseYaml(text: string): ParsedJson {
  const yaml = (loaded ??= require("yaml") as typeof Yaml); // loaded when first needed: most servers never see YAML
  const lines = new yaml.LineCounter();
  const intAsBigInt = mayLoseIntegers(text);
  const options = { version: "1.1", intAsBigInt, uniqueKeys: false, merge: true, logLevel: "error", lineCounter: lines, customTags: goScalars } as const;
  const [document] = yaml.parseAllDocuments(text, options);
  if (document === undefined || !("contents" in document)) return { value: null, duplicates: [] };
  const [fault] = document.errors;
  if (fault !== undefined) throw new DecodeError(`yaml: ${faultText(fault, text)}`);
  try {
    const value = document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
    const duplicates = duplicatesIn(yaml, document.contents, lines);
    if (!intAsBigInt) return { value, duplicates };
    const literals = new WeakMap<object, Map<string, string>>();
    return { value: noteExactIntegers(value, literals), duplicates, notes: { memberOrder: new WeakMap(), literals } };
  } catch (cause) {
    const anchor = /^Unresolved alias[^:]*: (.*)$/.exec((cause as Error).message)?.[1];
    throw new DecodeError(anchor === undefined ? `yaml: ${(cause as Error).message}` : `yaml: unknown anchor '${anchor}' referenced`, { cause });
  }
}

const BINARY = "tag:yaml.org,2002:binary";
const OWN_TAGS: Yaml.Tags = [
  { tag: "tag:yaml.org,2002:int", default: true, test: /^[-+]?0o[0-7]+$/, resolve: (text: string) => Number(text.replace("+", "")) },
  { tag: BINARY, default: false, resolve: (text: string) => Buffer.from(text, "base64").toString() },
];

/** Without dates and numbers of base 60; with what Go reads besides. */
const goScalars = (tags: Yaml.Tags): Yaml.Tags => [
  ...OWN_TAGS,
  ...tags.filter((tag) => typeof tag === "string" || !(tag.tag === BINARY || tag.tag.endsWith(":timestamp") || ("format" in tag && tag.format === "TIME"))),
];

function duplicatesIn(yaml: typeof Yaml, contents: unknown, lines: Yaml.LineCounter): string[] {
  const duplicates: string[] = [];
  if (!yaml.isNode(contents)) return duplicates;
  yaml.visit(contents, {
    Map: (_, map) => {
      const seen = new Set<string>();
      for (const { key, value } of map.items) {
        const name = String(key);
        const start = (yaml.isNode(value) ? value.range : yaml.isNode(key) ? key.range : undefined)?.[0] ?? 0;
        if (seen.has(name)) duplicates.push(`line ${lines.linePos(start).line}: key ${JSON.stringify(name)} already set in map`);
        seen.add(name);
      }
    },
  });
  return duplicates;
}

function faultText({ code, linePos, message }: Yaml.YAMLError, text: string): string {
  const line = linePos?.[0].line ?? 1;
  if (code === "TAB_AS_INDENT") return `line ${line}: found a tab character that violates indentation`;
  if (code === "MISSING_CHAR" && message.includes("quote")) return `line ${text.split("\n").length}: found unexpected end of stream`;
  const bracket = /^Flow (?:map|sequence) .*end with a ([}\]])/.exec(message)?.[1];
  if (bracket !== undefined) return `line ${line}: did not find expected ',' or '${bracket}'`;
  const anchor = code === "BAD_ALIAS" ? /: (\S+)$/.exec(message.split("\n")[0]!)?.[1] : undefined;
  if (anchor !== undefined) return `unknown anchor '${anchor}' referenced`;
  return `line ${line}: ${message.split("\n")[0]!.replace(/ at line .*$/, "")}`;
}

/** What Go's YAML reader says of bytes that are no UTF-8. */
export function utf8Fault(bytes: Uint8Array): string {
  for (let at = 0; at < bytes.length; ) {
    const width = octets(bytes[at]!);
    if (width === 0) return "invalid leading UTF-8 octet";
    if (at + width > bytes.length) return "incomplete UTF-8 octet sequence";
    for (let i = 1; i < width; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return "invalid trailing UTF-8 octet";
    at += width;
  }
  return "invalid length of a UTF-8 sequence";
}

/** The length of the sequence that an octet begins; 0 for one that begins none. */
function octets(first: number): number {
  if (first < 0x80) return 1;
  if ((first & 0xe0) === 0xc0) return 2;
  if ((first & 0xf0) === 0xe0) return 3;
  return (first & 0xf8) === 0xf0 ? 4 : 0;
}
