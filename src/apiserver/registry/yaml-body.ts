import { createRequire } from "node:module";

import type * as Yaml from "yaml";

import { DecodeError } from "#apimachinery/decode/decode-error.ts";
import type { ParsedJson } from "#apimachinery/decode/json.ts";

const require = createRequire(import.meta.url);
let loaded: typeof Yaml | undefined;

/**
 * Parses the first document of a YAML body, YAML 1.1 as Go's library takes it.
 *
 * @throws {DecodeError}
 */
export function parseYaml(text: string): ParsedJson {
  loaded ??= require("yaml") as typeof Yaml; // loaded when first needed: most servers never see YAML
  const [document] = loaded.parseAllDocuments(text, { version: "1.1", uniqueKeys: false, merge: true, stringKeys: true });
  if (document === undefined || !("contents" in document)) return { value: null, duplicates: [] };
  const [fault] = document.errors;
  if (fault !== undefined) throw new DecodeError(`error converting YAML to JSON: yaml: ${faultText(fault)}`);
  return { value: document.toJS({ maxAliasCount: 100 }) as unknown, duplicates: [] };
}

function faultText({ linePos, message }: Yaml.YAMLError): string {
  const line = linePos?.[0].line;
  const [first = ""] = message.split("\n");
  return line === undefined ? first : `line ${line}: ${first.replace(/ at line .*$/, "")}`;
}
