import { descriptions } from "#api/schema/descriptions.ts";
import type { RawField, RawType, TypeTable } from "#apiserver/openapi/type-table.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

const META = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** Types whose JSON is no object of fields. */
const SPECIAL: Readonly<Record<string, JsonSchema>> = {
  [`${META}.Time`]: { type: "string", format: "date-time" },
  [`${META}.MicroTime`]: { type: "string", format: "date-time" },
  [`${META}.Duration`]: { type: "string" },
  [`${META}.FieldsV1`]: { type: "object" },
  [`${META}.Patch`]: { type: "object" },
  "io.k8s.apimachinery.pkg.runtime.RawExtension": { type: "object" },
  "io.k8s.apimachinery.pkg.api.resource.Quantity": { oneOf: [{ type: "string" }, { type: "number" }] },
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": {},
};

/** Fields whose type upstream names where ours is any JSON. */
const NAMED_FIELDS: Readonly<Record<string, string>> = {
  "meta/v1.ManagedFieldsEntry.fieldsV1": "meta/v1.FieldsV1",
  "apiextensions/v1.JSONSchemaProps.default": "apiextensions/v1.JSON",
  "apiextensions/v1.JSONSchemaProps.enum": "array<apiextensions/v1.JSON>",
  "apiextensions/v1.JSONSchemaProps.example": "apiextensions/v1.JSON",
};

/** Scalars that have a type of their own in OpenAPI. */
const SCALAR_TYPES: Readonly<Record<string, string>> = {
  time: `${META}.Time`,
  microTime: `${META}.MicroTime`,
  duration: `${META}.Duration`,
  quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  intOrString: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  any: "io.k8s.apimachinery.pkg.runtime.RawExtension",
};

const PRIMITIVES: Readonly<Record<string, { readonly schema: JsonSchema; readonly zero?: unknown }>> = {
  string: { schema: { type: "string" }, zero: "" },
  boolean: { schema: { type: "boolean" }, zero: false },
  int32: { schema: { type: "integer", format: "int32" }, zero: 0 },
  int64: { schema: { type: "integer", format: "int64" }, zero: 0 },
  double: { schema: { type: "number", format: "double" }, zero: 0 },
  bytes: { schema: { type: "string", format: "byte" } },
};

/** Collects the schemas of types and of all they refer to, by their OpenAPI names. */
export class SchemaCollector {
  readonly schemas = new Map<string, JsonSchema>();
  readonly #table: TypeTable;
  readonly #refPrefix: string;
  readonly #kindsOf: (key: string) => readonly object[] | undefined;

  /** @param kindsOf which kinds a type is, by the type's key */
  constructor(table: TypeTable, kindsOf: (key: string) => readonly object[] | undefined, refPrefix = "#/components/schemas/") {
    this.#table = table;
    this.#kindsOf = kindsOf;
    this.#refPrefix = refPrefix;
  }

  /** A reference to a type, whose schema is collected. */
  ref(key: string): JsonSchema {
    const name = SCALAR_TYPES[key] ?? this.nameOf(key);
    if (!this.schemas.has(name)) {
      this.schemas.set(name, {}); // types may contain themselves
      this.schemas.set(name, SPECIAL[name] ?? this.#struct(key));
    }
    return { $ref: this.#refPrefix + name };
  }

  /** `io.k8s.api.apps.v1.Deployment` for `apps/v1.Deployment`. */
  nameOf(key: string): string {
    const dot = key.lastIndexOf(".");
    const prefix = this.#table.packages[key.slice(0, dot)]?.openapi;
    return prefix === undefined ? key : `${prefix}.${key.slice(dot + 1)}`;
  }

  #struct(key: string): JsonSchema {
    const raw = this.#table.types[key];
    if (raw === undefined) return { type: "object" };
    const told = descriptions()[key];
    const description = told?.description ? { description: told.description } : {};
    if (raw.jsonForm !== undefined) return { ...description };
    const fields = this.#fieldsOf(raw, key).sort((a, b) => (a.field.name < b.field.name ? -1 : 1));
    const required = this.#fieldsOf(raw, key)
      .filter(({ field }) => field.required)
      .map(({ field }) => field.name);
    const properties = Object.fromEntries(fields.map(({ field, owner }) => [field.name, this.#property(field, owner, told?.fields[field.name])]));
    const kinds = this.#kindsOf(key);
    return {
      ...description,
      type: "object",
      ...(required.length > 0 && { required }),
      ...(fields.length > 0 && { properties }),
      ...(kinds !== undefined && { "x-kubernetes-group-version-kind": kinds }),
      ...(raw.structType === "atomic" && { "x-kubernetes-map-type": "atomic" }),
      ...(raw.union && { "x-kubernetes-unions": [unionOf(raw)] }),
    };
  }

  /** Inlined types' fields are the outer type's; their descriptions are found with their owner. */
  #fieldsOf(raw: RawType, owner: string): { readonly field: RawField; readonly owner: string }[] {
    return raw.fields.flatMap((field) => {
      if (field.noJson) return [];
      if (!field.inline) return [{ field, owner }];
      const inner = this.#table.types[field.type];
      return inner === undefined ? [] : this.#fieldsOf(inner, field.type);
    });
  }

  #property(field: RawField, owner: string, told: string | undefined): JsonSchema {
    const description = told ?? descriptions()[owner]?.fields[field.name];
    const extensions = {
      ...(field.listMapKeys && { "x-kubernetes-list-map-keys": field.listMapKeys }),
      ...(field.listType && { "x-kubernetes-list-type": field.listType }),
      ...((field.mapType ?? field.structType) && { "x-kubernetes-map-type": field.mapType ?? field.structType }),
      ...(field.patchMergeKey && { "x-kubernetes-patch-merge-key": field.patchMergeKey }),
      ...(field.patchStrategy && { "x-kubernetes-patch-strategy": field.patchStrategy }),
    };
    const type = NAMED_FIELDS[`${owner}.${field.name}`] ?? field.type;
    const value = this.#value(type, field, { always: field.omit === undefined, pointer: (field.pointer ?? false) || type !== field.type });
    return unwrapped({ ...(description && { description }), ...value, ...extensions });
  }

  /** @param how whether a value is always written, and whether it is a pointer: both say which default it has */
  #value(
    type: string,
    { enum: values, default: marker }: Pick<RawField, "enum" | "default">,
    how: { readonly always: boolean; readonly pointer: boolean },
  ): JsonSchema {
    const items = parameterOf(type, "array<");
    if (items !== undefined) return { type: "array", items: this.#element(items, values) };
    const entries = parameterOf(type, "map<string,");
    if (entries !== undefined) return { type: "object", additionalProperties: this.#element(entries, values) };
    const primitive = PRIMITIVES[type];
    const isZeroed = how.always && !how.pointer;
    if (primitive !== undefined) {
      const zero = isZeroed && primitive.zero !== undefined ? { default: primitive.zero } : {};
      return { ...primitive.schema, ...zero, ...(marker !== undefined && { default: marker }), ...(values && { enum: values }) };
    }
    const scalar = SCALAR_TYPES[type] !== undefined;
    return { ...(marker !== undefined ? { default: marker } : !how.pointer && !scalar && { default: {} }), allOf: [this.ref(type)] };
  }

  #element(type: string, values: readonly string[] | undefined): JsonSchema {
    const isAny = SCALAR_TYPES[type] !== undefined || SPECIAL[this.nameOf(type)] !== undefined || this.#table.types[type]?.jsonForm !== undefined;
    return isAny ? this.ref(type) : this.#value(type, values === undefined ? {} : { enum: values }, { always: true, pointer: false });
  }
}

/** A field says which of the others is set. */
function unionOf({ fields }: RawType): object {
  const discriminator = fields.find(({ unionDiscriminator }) => unionDiscriminator)?.name;
  const members = fields.filter(({ name }) => name !== discriminator).sort((a, b) => (a.name < b.name ? -1 : 1));
  const byField = Object.fromEntries(members.map(({ name }) => [name, name.charAt(0).toUpperCase() + name.slice(1)]));
  return { discriminator, "fields-to-discriminateBy": byField };
}

/** A reference needs a wrapper only for what stands beside it. */
function unwrapped(schema: JsonSchema): JsonSchema {
  const { allOf, ...rest } = schema;
  return allOf !== undefined && Object.keys(rest).length === 0 ? (allOf as readonly JsonSchema[])[0]! : schema;
}

function parameterOf(type: string, prefix: string): string | undefined {
  return type.startsWith(prefix) ? type.slice(prefix.length, -1) : undefined;
}
