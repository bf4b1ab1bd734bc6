import { declare, type FunctionDeclaration, overload } from "#lib/cel/declarations.ts";
import type { TypeProvider } from "#lib/cel/environment.ts";
import { type CelType, DYN, STRING, structType } from "#lib/cel/types.ts";
import { Failure, ObjectValue, type Value } from "#lib/cel/values.ts";
import { ofText } from "./opaque.ts";

/** What an apply configuration is: `Object{spec: Object.spec{replicas: 3}}`. */
export const APPLY_OBJECT = structType("Object");
/** One operation of a JSON patch: `JSONPatch{op: "add", path: "/spec", value: 3}`. */
export const JSON_PATCH = structType("JSONPatch");

const TEXTS = ["op", "path", "from"];
const VALUE = "value";

const isObjectType = (name: string) => name === APPLY_OBJECT.name || name.startsWith(`${APPLY_OBJECT.name}.`);

/** The types that expressions make patches of. An object's are named by the way to them, and have any field. @see k8s.io/apiserver pkg/cel/mutation */
export const PATCH_TYPES: Required<TypeProvider> = {
  has: (name) => name === JSON_PATCH.name || isObjectType(name),
  field(name, field): CelType | undefined {
    if (isObjectType(name)) return DYN;
    if (TEXTS.includes(field)) return STRING;
    return field === VALUE ? DYN : undefined;
  },
  create(name, fields): Value {
    if (name === JSON_PATCH.name) {
      for (const each of TEXTS) {
        const value = fields.get(each);
        if (value !== undefined && typeof value !== "string") return new Failure(`unexpected type ${goTypeOf(value)} for JSONPatchType '${each}' field`);
      }
    }
    return new ObjectValue(name, fields);
  },
};

/** As Go names what a value holds. */
function goTypeOf(value: Value): string {
  if (typeof value === "bigint") return "int64";
  if (typeof value === "number") return "float64";
  if (typeof value === "boolean") return "bool";
  return value === null ? "structpb.NullValue" : typeof value;
}

const ESCAPES: Readonly<Record<string, string>> = { "~": "~0", "/": "~1" };

export const PATCH_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare("jsonpatch.escapeKey", [
    overload(
      "string_jsonpatch_escapeKey_string",
      [STRING],
      STRING,
      ofText((text) => text.replace(/[~/]/g, (char) => ESCAPES[char]!)),
    ),
  ]),
];
