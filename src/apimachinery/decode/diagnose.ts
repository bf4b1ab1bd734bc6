import { QuantityError, parseQuantity } from "#apimachinery/quantity.ts";
import type { FieldSchema, ScalarSchema, Schema, StructSchema } from "#apimachinery/schema/schema.ts";

import { DecodeError } from "./decode-error.ts";
import { fits } from "./decode.ts";
import { parseDuration } from "./go-duration.ts";
import { normalizeMicroTime, normalizeTime } from "./go-time.ts";
import type { JsonNotes } from "./json.ts";
import { isObject, type JsonObject } from "./own.ts";
import { WRONG, illegalBase64At, scalarForms } from "./scalars.ts";

/** As upstream's decoder stops collecting. */
const MAX_STRICT_ERRORS = 100;

/**
 * Walks a value that is not all as its schema says, in the order of its text, and tells what upstream's decoder would.
 *
 * Go's decoder goes on after a value of a wrong type and reports the first; a type that decodes itself (a quantity, a
 * time) stops it at once, and then that is what is reported.
 *
 * @returns the strict errors
 * @throws {DecodeError} when a value has a wrong type
 */
export function diagnose(schema: StructSchema, value: unknown, notes: JsonNotes | undefined): readonly string[] {
  const walk = new Diagnosis(notes);
  walk.value(schema, value, { struct: "", fields: [], path: "" });
  if (walk.typeError !== undefined) throw new DecodeError(walk.typeError);
  return walk.strictErrors;
}

interface Place {
  /** The Go struct around, and the fields on the way as Go counts them: no indexes, no keys, inlined structs by name. */
  readonly struct: string;
  readonly fields: readonly string[];
  /** The path in the document: `spec.containers[0]`. */
  readonly path: string;
}

class Diagnosis {
  readonly strictErrors: string[] = [];
  typeError: string | undefined;
  readonly #notes: JsonNotes | undefined;

  constructor(notes: JsonNotes | undefined) {
    this.#notes = notes;
  }

  /** @param literal the text of a number where the value does not show it */
  value(schema: Schema, value: unknown, place: Place, literal?: string): void {
    if (value === null || value === undefined) return;
    switch (schema.kind) {
      case "struct":
        return isObject(value) ? this.#struct(schema, value, place) : this.#wrongType(value, schema, place);
      case "map":
        return isObject(value) ? this.#map(schema.values, value, place) : this.#wrongType(value, schema, place);
      case "list":
        return Array.isArray(value) ? this.#list(schema.items, value, place) : this.#wrongType(value, schema, place);
      case "scalar":
        return this.#scalar(schema, value, place, literal);
      case "any":
        return this.#either(schema.forms, value, place);
    }
  }

  #struct(schema: StructSchema, value: JsonObject, place: Place): void {
    const struct = schema.name.slice(schema.name.lastIndexOf(".") + 1);
    for (const [name, repeated] of this.#members(value)) {
      const field = schema.fields.get(name);
      const path = place.path === "" ? name : `${place.path}.${name}`;
      if (field === undefined) {
        if (!schema.preserveUnknown && value[name] !== undefined) this.#strict(`unknown field "${path}"`);
        continue;
      }
      if (repeated) this.#strict(`duplicate field "${path}"`);
      else this.value(field.schema, value[name], { struct, fields: [...place.fields, ...goFields(field)], path }, this.#literal(value, name));
    }
  }

  #map(values: Schema, value: JsonObject, place: Place): void {
    for (const [name, repeated] of this.#members(value)) {
      const path = place.path === "" ? name : `${place.path}.${name}`;
      if (repeated) this.#strict(`duplicate field "${path}"`);
      else this.value(values, value[name], { ...place, path }, this.#literal(value, name));
    }
  }

  #list(items: Schema, value: readonly unknown[], place: Place): void {
    value.forEach((item, i) => this.value(items, item, { ...place, path: `${place.path}[${i}]` }, this.#literal(value, String(i))));
  }

  #either(forms: readonly Schema[] | undefined, value: unknown, place: Place): void {
    const schema = forms?.find((form) => fits(form, value));
    if (schema === undefined) {
      if (forms?.some((form) => form.kind === "scalar" && form.type === "boolean")) throw new DecodeError("boolean or JSON schema expected");
      return;
    }
    const inner = new Diagnosis(this.#notes); // such types decode their parts themselves, and not strictly
    inner.value(schema, value, { struct: "", fields: [], path: "" });
    if (inner.typeError !== undefined) throw new DecodeError(inContext(inner.typeError, place));
  }

  #scalar(schema: ScalarSchema, value: unknown, place: Place, literal: string | undefined): void {
    switch (schema.type) {
      case "quantity":
        return asQuantity(value, literal);
      case "time":
      case "microTime":
      case "duration":
        return asText(schema.type, value, place);
      case "intOrString":
        if (typeof value !== "string" && isWrongInteger("int32", value, literal))
          throw new DecodeError(mismatch(value, "int32", place, literal ?? String(value)));
        return;
      case "bytes":
        return this.#bytes(value, place);
      case "int32":
      case "int64":
        if (isWrongInteger(schema.type, value, literal)) this.#saveFirst(mismatch(value, goTypeOf(schema), place, literal ?? String(value)));
        return;
      default:
        if (scalarForms[schema.type](value) === WRONG) this.#wrongType(value, schema, place);
    }
  }

  #bytes(value: unknown, place: Place): void {
    const fault = typeof value === "string" ? illegalBase64At(value) : undefined;
    if (fault !== undefined) this.#saveFirst(`illegal base64 data at input byte ${fault}`);
    else if (scalarForms.bytes(value) === WRONG) this.#saveFirst(mismatch(value, "[]uint8", place));
  }

  #wrongType(value: unknown, schema: Schema, place: Place): void {
    this.#saveFirst(mismatch(value, goTypeOf(schema), place));
  }

  #saveFirst(error: string): void {
    this.typeError ??= error;
  }

  #strict(error: string): void {
    if (this.strictErrors.length < MAX_STRICT_ERRORS) this.strictErrors.push(error);
  }

  /** Members in the order of the text, and whether each came before. */
  *#members(object: JsonObject): Generator<[name: string, repeated: boolean]> {
    const order = this.#notes?.memberOrder.get(object);
    if (order === undefined) {
      for (const name of Object.keys(object)) yield [name, false];
      return;
    }
    const seen = new Set<string>();
    for (const name of order) {
      yield [name, seen.has(name)];
      seen.add(name);
    }
  }

  #literal(container: object, key: string): string | undefined {
    return this.#notes?.literals.get(container)?.get(key);
  }
}

const goFields = ({ name, embedded }: FieldSchema) => (embedded === undefined ? [name] : [...embedded.map((struct) => struct.name), name]);

function isWrongInteger(type: "int32" | "int64", value: unknown, literal: string | undefined): boolean {
  if (scalarForms[type](value) === WRONG) return true;
  if (literal === undefined) return false;
  if (!/^-?[0-9]+$/.test(literal)) return true;
  const bits = type === "int32" ? 32 : 64;
  return BigInt.asIntN(bits, BigInt(literal)) !== BigInt(literal);
}

function asQuantity(value: unknown, literal: string | undefined): void {
  const text = typeof value === "string" ? value : (literal ?? JSON.stringify(value));
  try {
    parseQuantity(text);
  } catch (error) {
    if (error instanceof QuantityError) throw new DecodeError(error.message, { cause: error });
    throw error;
  }
}

function asText(type: "time" | "microTime" | "duration", value: unknown, place: Place): void {
  if (typeof value !== "string") throw new DecodeError(mismatch(value, "string", place));
  if (type === "duration") parseDuration(value);
  else if (type === "time") normalizeTime(value);
  else normalizeMicroTime(value);
}

/** @param literal the number's text, where Go names it: for integers */
function mismatch(value: unknown, goType: string, place: Place, literal?: string): string {
  const kind = kindOf(value);
  return inContext(`json: cannot unmarshal ${kind === "number" && literal !== undefined ? `number ${literal}` : kind} into Go value of type ${goType}`, place);
}

/** Puts the place around into an error of a type that decodes itself: its own fields stay, the struct named becomes the outer one. */
function inContext(error: string, { struct, fields }: Place): string {
  if (struct === "") return error;
  return error.replace(/ Go (?:value|struct field [^ .]+\.(\S+)) of type /, (_, inner?: string) => {
    return ` Go struct field ${[struct, ...fields, ...(inner === undefined ? [] : [inner])].join(".")} of type `;
  });
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

const SCALAR_GO_TYPES: Readonly<Record<string, string>> = {
  double: "float64",
  boolean: "bool",
  bytes: "[]uint8",
  quantity: "resource.Quantity",
  intOrString: "intstr.IntOrString",
  time: "v1.Time",
  microTime: "v1.MicroTime",
  duration: "v1.Duration",
};

/** A type as Go prints it: `[]v1.Container`, `map[string]string`. */
function goTypeOf(schema: Schema): string {
  switch (schema.kind) {
    case "scalar":
      return schema.goType ?? SCALAR_GO_TYPES[schema.type] ?? schema.type;
    case "list":
      return schema.goType ?? `[]${goTypeOf(schema.items)}`;
    case "map":
      return schema.goType ?? `map[string]${goTypeOf(schema.values)}`;
    case "struct":
      return schema.name.slice(schema.name.indexOf("/") + 1);
    case "any":
      return "v1.JSON";
  }
}
