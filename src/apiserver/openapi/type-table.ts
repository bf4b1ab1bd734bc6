import { readFileSync } from "node:fs";

/** A field as `types.json` has it. */
export interface RawField {
  readonly name: string;
  readonly type: string;
  readonly omit?: string;
  readonly pointer?: true;
  readonly required?: true;
  readonly inline?: true;
  readonly noJson?: true;
  readonly named?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly listType?: string;
  readonly listMapKeys?: readonly string[];
  readonly mapType?: string;
  readonly structType?: string;
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly unionDiscriminator?: true;
}

export interface RawType {
  readonly structType?: string;
  readonly jsonForm?: string;
  readonly union?: true;
  readonly fields: readonly RawField[];
}

interface RawPackage {
  readonly group: string;
  readonly version: string;
  readonly openapi?: string;
}

export interface TypeTable {
  readonly packages: Readonly<Record<string, RawPackage>>;
  readonly types: Readonly<Record<string, RawType>>;
}

let table: WeakRef<TypeTable> | undefined;

/** All built-in types. Held only while documents are made, as the documents themselves are kept. */
export function typeTable(): TypeTable {
  const known = table?.deref();
  if (known !== undefined) return known;
  const read = JSON.parse(readFileSync(new URL("../../api/schema/types.json", import.meta.url), "utf8")) as TypeTable;
  table = new WeakRef(read);
  return read;
}

/** The key of the type that a group version's kind has: `apps/v1.Deployment`. */
export function typeKeyOf({ packages, types }: TypeTable, group: string, version: string, kind: string): string | undefined {
  for (const [name, each] of Object.entries(packages)) {
    if (each.group === group && each.version === version && types[`${name}.${kind}`] !== undefined) return `${name}.${kind}`;
  }
  return undefined;
}
