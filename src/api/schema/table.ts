import { readFileSync } from "node:fs";

import type { FieldSchema, ListSchema, MapSchema, ScalarType, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

/** A field as `types.json` has it; what absent members mean is said in this folder's README. */
interface RawField {
  readonly name: string;
  readonly type: string;
  readonly number?: number;
  readonly omit?: "empty" | "empty+zero" | "zero";
  readonly pointer?: true;
  readonly required?: true;
  readonly inline?: true;
  readonly noJson?: true;
  readonly named?: string;
  /** The message that stands for a field of type `any`. */
  readonly wire?: string;
  /** The message around a list, or around each list in a map. */
  readonly wrapper?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly listType?: ListSchema["listType"];
  readonly listMapKeys?: readonly string[];
  readonly uniqueBy?: readonly string[];
  readonly mapType?: "atomic" | "granular";
  readonly structType?: "atomic" | "granular";
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
}

interface RawType {
  readonly message?: string;
  readonly structType?: "atomic" | "granular";
  readonly jsonForm?: string;
  readonly fields: readonly RawField[];
}

interface RawPackage {
  readonly group: string;
  readonly version: string;
}

const SCALARS: ReadonlySet<string> = new Set<ScalarType>([
  "string",
  "int32",
  "int64",
  "double",
  "boolean",
  "bytes",
  "quantity",
  "intOrString",
  "time",
  "microTime",
  "duration",
]);

const builtSchemas = new Map<string, StructSchema>();
let file: TypesFile | undefined;

/**
 * The schema of a built-in type, built when first asked for.
 *
 * @param name the type's key in `types.json`: `core/v1.PodSpec`
 * @throws {Error} when upstream has no such type, as that is a slip in our code
 */
export function typeSchema(name: string): StructSchema {
  let schema = builtSchemas.get(name);
  if (schema === undefined) {
    const raw = typesFile().type(name);
    if (raw === undefined) throw new Error(`no built-in type ${name}`);
    schema = new LazyStruct(name, raw, raw.structType === "atomic");
    builtSchemas.set(name, schema);
  }
  return schema;
}

/** Kinds like Status, DeleteOptions or WatchEvent belong to every group and version. */
const COMMON_PACKAGE = "meta/v1";

/** The schema of a built-in kind, `undefined` when upstream has none of that name there. */
export function kindSchema(group: string, version: string, kind: string): StructSchema | undefined {
  const types = typesFile();
  for (const pkg of [types.packageOf(group, version), COMMON_PACKAGE]) {
    if (pkg === undefined || !types.has(`${pkg}.${kind}`)) continue;
    const schema = typeSchema(`${pkg}.${kind}`);
    if (schema.fields.has("kind")) return schema;
  }
  return undefined;
}

/** Fields are read from the file at the first look: types refer to one another, and most are never asked for. */
class LazyStruct implements StructSchema {
  readonly kind = "struct";
  readonly name: string;
  readonly atomic: boolean;
  readonly #raw: RawType;
  #fields: ReadonlyMap<string, FieldSchema> | undefined;

  constructor(name: string, raw: RawType, atomic: boolean) {
    this.name = name;
    this.atomic = atomic;
    this.#raw = raw;
  }

  get fields(): ReadonlyMap<string, FieldSchema> {
    this.#fields ??= new Map(fieldsOf(this.#raw, []).map((field) => [field.name, field]));
    return this.#fields;
  }

  /** The same type where a field asks for another granularity. */
  withAtomic(atomic: boolean): StructSchema {
    return new LazyStruct(this.name, this.#raw, atomic);
  }
}

type Embedded = NonNullable<FieldSchema["embedded"]>;

function fieldsOf(raw: RawType, embedded: Embedded): FieldSchema[] {
  return raw.fields.flatMap((field) => {
    if (field.noJson) return [];
    if (!field.inline) return [fieldSchema(field, embedded)];
    const inner = typesFile().type(field.type);
    if (inner === undefined) throw new Error(`no built-in type ${field.type}`);
    return fieldsOf(inner, [...embedded, { name: shortName(field.type), number: field.number }]);
  });
}

function fieldSchema(field: RawField, embedded: Embedded): FieldSchema {
  return {
    name: field.name,
    schema: schemaOf(field.type, field),
    required: field.required ?? false,
    pointer: field.pointer ?? false,
    omit: field.omit === undefined ? "never" : field.omit === "empty" ? "empty" : "zero",
    ...(field.default !== undefined && { default: field.default }),
    number: field.number,
    ...(embedded.length > 0 && { embedded }),
    ...(field.wrapper !== undefined && field.type.startsWith("array<") && { wrapped: true }),
    patchStrategy: (field.patchStrategy?.split(",") ?? []) as FieldSchema["patchStrategy"],
    patchMergeKey: field.patchMergeKey,
  };
}

function schemaOf(type: string, field: RawField): Schema {
  const list = parameterOf(type, "array<");
  if (list !== undefined) return listSchema(list, field);
  const values = parameterOf(type, "map<string,");
  if (values !== undefined) return mapSchema(values, field);
  if (SCALARS.has(type)) return { kind: "scalar", type: type as ScalarType, enum: field.enum, goType: goTypeOf(field.named) };
  if (type === "any") return { kind: "any", ...(field.wire === "runtime.RawExtension" && { atomic: true }) };
  const raw = typesFile().type(type);
  if (raw?.jsonForm !== undefined) return { kind: "any", forms: formsOf(raw) };
  const struct = typeSchema(type);
  const atomic = field.structType === undefined ? struct.atomic : field.structType === "atomic";
  return atomic === struct.atomic ? struct : (struct as LazyStruct).withAtomic(atomic);
}

function listSchema(items: string, field: RawField): ListSchema {
  const { listType = "atomic", listMapKeys = [], uniqueBy } = field;
  const namesList = items.includes("/"); // then `named` names the list, not its scalar elements
  return {
    kind: "list",
    items: schemaOf(items, elementOf(field, !namesList)),
    listType,
    mapKeys: listMapKeys,
    uniqueBy,
    goType: namesList ? goTypeOf(field.named) : undefined,
  };
}

/** Maps whose keys or values have a name of their own, while the map has none. */
const NAMES_VALUES = new Set(["ClaimResourceStatus", "ExtraValue"]);

function mapSchema(values: string, field: RawField): MapSchema {
  const named = goTypeOf(field.named);
  const namesValues = NAMES_VALUES.has(shortName(field.named ?? ""));
  const inner = schemaOf(values, elementOf(field, false));
  return {
    kind: "map",
    values: namesValues ? ({ ...inner, goType: named } as Schema) : inner,
    atomic: field.mapType === "atomic",
    goType: namesValues ? undefined : named,
  };
}

/** What a field says that also holds for its elements. */
function elementOf(field: RawField, named: boolean): RawField {
  return {
    name: "",
    type: "",
    ...(named && field.named !== undefined && { named: field.named }),
    ...(field.enum && { enum: field.enum }),
  };
}

/** The forms of a type whose JSON is one of several: its own parts, and a boolean where a part is one. */
function formsOf(raw: RawType): Schema[] {
  return raw.fields.map((part) => schemaOf(part.type, part));
}

function parameterOf(type: string, prefix: string): string | undefined {
  return type.startsWith(prefix) ? type.slice(prefix.length, -1) : undefined;
}

const shortName = (type: string) => type.slice(type.lastIndexOf(".") + 1);

/** `v1.Protocol` for `core/v1.Protocol`, `types.UID` as it is: the last part of the package, and the name. */
function goTypeOf(named: string | undefined): string | undefined {
  return named?.slice(named.indexOf("/") + 1);
}

/** `types.json`: a type a line, so that a type can be read without reading them all. */
class TypesFile {
  readonly #text: string;
  /** Where each type's JSON starts and ends. */
  readonly #lines = new Map<string, readonly [start: number, end: number]>();
  readonly #types = new Map<string, RawType>();
  readonly #packages = new Map<string, string>();

  constructor(text: string) {
    this.#text = text;
    const types = text.indexOf('\n"types": {');
    for (const [name, json] of linesOf(text, 0, types)) this.#addPackage(name, json);
    for (const [name, , start, end] of linesOf(text, types + 1, text.length)) this.#lines.set(name, [start, end]);
  }

  #addPackage(name: string, json: string): void {
    if (!json.startsWith('{"group"')) return;
    const { group, version } = JSON.parse(json) as RawPackage;
    const key = `${group}/${version}`;
    if (!this.#packages.has(key)) this.#packages.set(key, name);
  }

  has(name: string): boolean {
    return this.#lines.has(name);
  }

  type(name: string): RawType | undefined {
    const known = this.#types.get(name);
    const line = this.#lines.get(name);
    if (known !== undefined || line === undefined) return known;
    const raw = JSON.parse(this.#text.slice(...line)) as RawType;
    this.#types.set(name, raw);
    return raw;
  }

  packageOf(group: string, version: string): string | undefined {
    return this.#packages.get(`${group}/${version}`);
  }
}

/** The lines `"name": {…},` of a stretch of text. */
function* linesOf(text: string, from: number, to: number): Generator<[name: string, json: string, start: number, end: number]> {
  for (let at = from; at < to; ) {
    const newline = text.indexOf("\n", at);
    const lineEnd = newline < 0 ? text.length : newline;
    const colon = text[at] === '"' ? text.indexOf('": {', at) : -1;
    const end = text[lineEnd - 1] === "," ? lineEnd - 1 : lineEnd;
    if (colon > 0 && colon < end && text[end - 1] === "}") yield [text.slice(at + 1, colon), text.slice(colon + 3, end), colon + 3, end];
    at = lineEnd + 1;
  }
}

function typesFile(): TypesFile {
  file ??= new TypesFile(readFileSync(new URL("./types.json", import.meta.url), "utf8"));
  return file;
}
