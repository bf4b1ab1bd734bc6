import { isObject, type JsonObject } from "#apimachinery/decode/own.ts";
import { additionalOf, itemsOf, type JsonSchema, propertyOf } from "#apimachinery/structural/json-schema.ts";
import { fromJson } from "#lib/cel/json.ts";
import { Duration, Failure, ListValue, MapValue, OpaqueValue, Timestamp, type Value } from "#lib/cel/values.ts";
import { type CelType, opaqueType } from "#lib/cel/types.ts";
import { sameJson } from "#lib/same-json.ts";

import { escapeName, unescapeName } from "./escape.ts";
import { formattedText } from "./formatted-text.ts";
import { withTypeMeta } from "./type-meta.ts";

/**
 * JSON as a value of the language, seen by its schema; parts are made when they are asked for.
 *
 * @see apiserver pkg/cel/common/valuesunstructured.go
 */
export function typedValue(json: unknown, schema: JsonSchema): Value {
  if (json === null || json === undefined) {
    return schema.nullable === true ? null : new Failure("invalid data, got null for schema with nullable=false");
  }
  if (schema["x-kubernetes-int-or-string"] === true) {
    const isEither = typeof json === "string" || isWhole(json);
    return isEither ? fromJson(json) : new Failure("invalid data, expected XIntOrString value to be either a string or integer");
  }
  switch (schema.type) {
    case "object":
      return isObject(json) ? objectValue(json, schema) : new Failure("invalid data, expected a map for the provided schema with type=object");
    case "array":
      return Array.isArray(json) ? listValue(json, schema) : new Failure("invalid data, expected an array for the provided schema with type=array");
    case "string":
      return typeof json === "string" ? formattedText(json, schema.format) : mistyped("string", json);
    case "number":
      return typeof json === "number" ? json : typeof json === "bigint" ? Number(json) : mistyped("float", json);
    case "integer":
      return isWhole(json) ? fromJson(json) : mistyped("int", json);
    case "boolean":
      return typeof json === "boolean" ? json : mistyped("bool", json);
    default:
      return schema["x-kubernetes-preserve-unknown-fields"] === true ? new PreservedValue(json) : new Failure(untyped(schema));
  }
}

const isWhole = (json: unknown) => typeof json === "bigint" || (typeof json === "number" && Number.isInteger(json) && Math.abs(json) < 2 ** 63);

const mistyped = (wanted: string, json: unknown) => new Failure(`invalid data, expected ${wanted}, got ${goType(json)}`);

const untyped = ({ type = "" }: JsonSchema) =>
  "invalid type, expected object, array, number, integer, boolean or string, or no type with x-kubernetes-int-or-string or " +
  `x-kubernetes-preserve-unknown-fields is true, got ${type}`;

function goType(json: unknown): string {
  if (Array.isArray(json)) return "[]interface {}";
  if (json instanceof Timestamp) return "time.Time";
  if (json instanceof Duration) return "time.Duration";
  if (json instanceof Uint8Array) return "[]uint8";
  if (typeof json === "object") return "map[string]interface {}";
  if (typeof json === "number" || typeof json === "bigint") return isWhole(json) ? "int64" : "float64";
  return typeof json === "boolean" ? "bool" : typeof json;
}

function objectValue(json: JsonObject, schema: JsonSchema): Value {
  const isResource = schema["x-kubernetes-embedded-resource"] === true;
  const whole = isResource ? withTypeMeta(schema) : schema;
  if (isResource || Object.keys(whole.properties ?? {}).length > 0) return new TypedObject(json, (name) => propertyOf(whole, name));
  return new TypedMap(json, () => additionalOf(whole));
}

function listValue(json: readonly unknown[], schema: JsonSchema): Value {
  const items = itemsOf(schema);
  if (items === undefined) return new Failure("invalid array type, expected Items with a non-empty Schema");
  const type = schema["x-kubernetes-list-type"] ?? "";
  if (type === "map") return new KeyedList(json, items, schema["x-kubernetes-list-map-keys"] ?? []);
  if (type === "set") return new SetList(json, items);
  if (type === "" || type === "atomic") return new TypedList(json, items);
  return new Failure(`invalid x-kubernetes-list-type, expected 'map', 'set' or 'atomic' but got ${type}`);
}

/** The JSON that a value was made of; a value that was made by an expression stands for itself. */
function jsonOf(value: Value): unknown {
  if (value instanceof TypedMap || value instanceof TypedList || value instanceof PreservedValue) return value.json;
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** What a schema keeps without knowing it: it can be compared alone. */
class PreservedValue extends OpaqueValue {
  readonly type: CelType = opaqueType("unknown");
  readonly json: unknown;

  constructor(json: unknown) {
    super();
    this.json = json;
  }

  override equals(other: OpaqueValue): boolean {
    return other instanceof PreservedValue && sameJson(this.json, other.json);
  }
}

const UNKNOWN_MEMBER = new Failure("internal error: runtime error: invalid memory address or nil pointer dereference");

/** A map whose values have one schema, or an object without any. */
class TypedMap extends MapValue {
  readonly json: JsonObject;
  readonly #schemaOf: (name: string) => JsonSchema | undefined;

  constructor(json: JsonObject, schemaOf: (name: string) => JsonSchema | undefined) {
    super();
    this.json = json;
    this.#schemaOf = schemaOf;
  }

  override get size(): number {
    return Object.keys(this.json).length;
  }

  override get isTyped(): boolean {
    return true;
  }

  override get plain(): Value {
    return fromJson(this.json);
  }

  override get(key: Value): Value | undefined {
    return typeof key === "string" ? this.member(key) : undefined;
  }

  protected member(name: string): Value | undefined {
    const schema = Object.hasOwn(this.json, name) ? this.#schemaOf(name) : undefined;
    return schema === undefined ? undefined : typedValue(this.json[name], schema);
  }

  /** Nothing can be done with an object, key by key, that has members which its schema does not know. */
  override keys(): readonly Value[] {
    return Object.keys(this.json).map((name) => (this.#schemaOf(name) === undefined ? UNKNOWN_MEMBER : this.keyOf(name)));
  }

  protected keyOf(name: string): string {
    return name;
  }

  /** What the schema does not know is compared, too. */
  override sameAs(other: MapValue, same: (a: Value, b: Value) => boolean): boolean {
    if (this.size !== other.size) return false;
    return Object.keys(this.json).every((name) => {
      if (this.#schemaOf(name) === undefined) {
        return other instanceof TypedMap && (!Object.hasOwn(other.json, name) || sameJson(this.json[name], other.json[name]));
      }
      const [here, there] = [this.get(name), other.get(name)];
      return here === undefined || there === undefined ? here === there : same(here, there);
    });
  }
}

/** An object with properties; a null is as good as nothing there. */
class TypedObject extends TypedMap {
  override get(key: Value): Value | undefined {
    const name = typeof key === "string" ? unescapeName(key) : undefined;
    return name === undefined || this.json[name] === null ? undefined : this.member(name);
  }

  protected override keyOf(name: string): string {
    return escapeName(name) ?? name;
  }
}

class TypedList extends ListValue {
  readonly json: readonly unknown[];
  protected readonly items: JsonSchema;

  constructor(json: readonly unknown[], items: JsonSchema) {
    super();
    this.json = json;
    this.items = items;
  }

  override get size(): number {
    return this.json.length;
  }

  override get isTyped(): boolean {
    return true;
  }

  override get plain(): Value {
    return fromJson(this.json);
  }

  override get(index: number): Value {
    return typedValue(this.json[index], this.items);
  }

  override concat(other: ListValue): ListValue {
    return new TypedList([...this.json, ...[...other].map(jsonOf)], this.items);
  }
}

/** The same text for the same scalar; whole numbers are others than those which expressions call doubles. */
function scalarKey(value: unknown): string {
  if (typeof value === "bigint" || isWhole(value)) return `i${String(value)}`;
  return JSON.stringify(value) ?? "";
}

const valueKey = (value: Value) => (typeof value === "number" ? `f${value}` : scalarKey(jsonOf(value)));

/** The order means nothing, and adding joins. */
class SetList extends TypedList {
  override sameAs(other: ListValue): boolean {
    if (this.size !== other.size) return false;
    const own = new Set(this.json.map(scalarKey));
    return [...other].every((value) => own.has(valueKey(value)));
  }

  override concat(other: ListValue): ListValue {
    const own = new Set(this.json.map(scalarKey));
    const added: unknown[] = [];
    for (const value of other) {
      const key = valueKey(value);
      if (own.has(key)) continue;
      own.add(key);
      added.push(jsonOf(value));
    }
    return new SetList([...this.json, ...added], this.items);
  }
}

/** Elements are told apart by their keys: the order means nothing, and adding replaces those with the same keys. */
class KeyedList extends TypedList {
  readonly #keys: readonly string[];

  constructor(json: readonly unknown[], items: JsonSchema, keys: readonly string[]) {
    super(json, items);
    this.#keys = keys;
  }

  /** By the escaped names, as upstream does: keys with dashes are not found, and count as absent. */
  #keyOf(json: unknown): string | undefined {
    if (!isPlain(json)) return undefined;
    return this.#keys.map((key) => scalarKey(json[escapeName(key) ?? key] ?? null)).join("\0");
  }

  override sameAs(other: ListValue, same: (a: Value, b: Value) => boolean): boolean {
    if (this.size !== other.size) return false;
    const own = new Map(this.json.map((item) => [this.#keyOf(item), item]));
    return [...other].every((value) => {
      const key = this.#keyOf(jsonOf(value));
      return key !== undefined && own.has(key) && same(typedValue(own.get(key), this.items), value);
    });
  }

  override concat(other: ListValue): ListValue {
    const joined = [...this.json];
    const places = new Map(joined.map((item, i) => [this.#keyOf(item), i]));
    for (const value of other) {
      const json = jsonOf(value);
      const key = this.#keyOf(json);
      const place = key === undefined ? undefined : places.get(key);
      if (place === undefined) joined.push(json);
      else joined[place] = json;
    }
    return new KeyedList(joined, this.items, this.#keys);
  }
}

function isPlain(json: unknown): json is JsonObject {
  return isObject(json) && (Object.getPrototypeOf(json) === Object.prototype || Object.getPrototypeOf(json) === null);
}
