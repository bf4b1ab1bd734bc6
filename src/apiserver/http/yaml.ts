import { createRequire } from "node:module";

import type * as Yaml from "yaml";

const require = createRequire(import.meta.url);
let loaded: typeof Yaml | undefined;

/** Loaded when first needed: most servers never see YAML. */
function yaml(): typeof Yaml {
  loaded ??= require("yaml") as typeof Yaml;
  return loaded;
}

/** A value as upstream's encoder writes it: keys sorted, lists not indented. */
export function toYaml(value: unknown): string {
  return yaml().stringify(value, { sortMapEntries: true, indentSeq: false, lineWidth: 80, version: "1.1", aliasDuplicateObjects: false, singleQuote: true });
}
