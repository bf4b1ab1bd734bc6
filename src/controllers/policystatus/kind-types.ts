import { declaredType, type DeclaredType } from "#apimachinery/rules/declared-type.ts";
import { escapeName } from "#apimachinery/rules/escape.ts";
import type { Schema, ScalarType, StructSchema } from "#apimachinery/schema/schema.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";
import { BOOL, BYTES, type CelType, DOUBLE, DYN, INT, STRING, TIMESTAMP } from "#lib/cel/types.ts";

const SCALARS: Readonly<Record<ScalarType, CelType>> = {
  ...{ string: STRING, quantity: STRING, duration: STRING, time: TIMESTAMP, microTime: TIMESTAMP },
  ...{ int32: INT, int64: INT, double: DOUBLE, boolean: BOOL, bytes: BYTES, intOrString: DYN },
};
/** How large values are is nobody's matter here. */
const UNSIZED = { maxElements: 0, minSize: 0 };
const TEXT: DeclaredType = { scalar: STRING, ...UNSIZED };

/** What describes a kind: of built-in ones the table's schema, of custom ones that of their definition. */
export type KindSchema = { readonly builtin: StructSchema } | { readonly custom: JsonSchema };

/** What expressions know of a kind. */
export function kindType(schema: KindSchema): DeclaredType | undefined {
  return "builtin" in schema ? typeOf(schema.builtin, []) : declaredType(schema.custom, true);
}

/** @param within types that this one is part of: one that is part of itself has no fields there */
function typeOf(schema: Schema, within: readonly string[]): DeclaredType | undefined {
  switch (schema.kind) {
    case "scalar":
      return { scalar: SCALARS[schema.type], ...UNSIZED };
    case "list": {
      const elements = typeOf(schema.items, within);
      return elements && { elements, ...UNSIZED };
    }
    case "map": {
      const elements = typeOf(schema.values, within);
      return elements && { keys: TEXT, elements, ...UNSIZED };
    }
    case "any":
      return schema.atomic === true ? { fields: new Map(), ...UNSIZED } : undefined;
    case "struct":
      return { fields: within.includes(schema.name) ? new Map() : fieldsOf(schema, [...within, schema.name]), ...UNSIZED };
  }
}

function fieldsOf({ fields }: StructSchema, within: readonly string[]): ReadonlyMap<string, DeclaredType> {
  const types = new Map<string, DeclaredType>();
  for (const [name, { schema }] of fields) {
    const [field, type] = [escapeName(name), typeOf(schema, within)];
    if (field !== undefined && type !== undefined) types.set(field, type);
  }
  return types;
}
