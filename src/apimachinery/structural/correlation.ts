import { isObject } from "#apimachinery/decode/own.ts";
import { itemsOf, type JsonSchema, memberOf } from "./json-schema.ts";
import { sameJson } from "#lib/same-json.ts";

/**
 * A part of an object beside what it was before an update, where that can be told.
 *
 * @see apiserver pkg/cel/common/equality.go
 */
export class Correlation {
  readonly #value: unknown;
  readonly #old: unknown;
  readonly #schema: JsonSchema;
  #isSame: boolean | undefined;
  #oldItems: KeyedItems | undefined;

  constructor(value: unknown, old: unknown, schema: JsonSchema) {
    this.#value = value;
    this.#old = old;
    this.#schema = schema;
  }

  member(name: string): Correlation | undefined {
    const [value, old] = [this.#value, this.#old];
    const schema = memberOf(this.#schema, name);
    if (schema === undefined || !isObject(value) || !isObject(old)) return undefined;
    return Object.hasOwn(value, name) && Object.hasOwn(old, name) ? new Correlation(value[name], old[name], schema) : undefined;
  }

  item(index: number): Correlation | undefined {
    const schema = itemsOf(this.#schema);
    if (schema === undefined || !Array.isArray(this.#value) || !Array.isArray(this.#old)) return undefined;
    this.#oldItems ??= new KeyedItems(this.#schema, this.#old);
    const old = this.#oldItems.like(this.#value[index]);
    return old === undefined ? undefined : new Correlation(this.#value[index], old, schema);
  }

  /** Whether nothing changed; lists by keys may have another order. What the schema does not know counts as changed. */
  isSame(): boolean {
    this.#isSame ??= this.#compare();
    return this.#isSame;
  }

  #compare(): boolean {
    const [value, old] = [this.#value, this.#old];
    if (Array.isArray(value)) {
      if (!Array.isArray(old) || old.length !== value.length) return false;
      if (this.#schema["x-kubernetes-list-type"] !== "map") return sameJson(value, old);
      return value.every((_, i) => this.item(i)?.isSame() === true);
    }
    if (!isObject(value) || !isObject(old)) return sameJson(value, old);
    const names = Object.keys(value);
    return names.length === Object.keys(old).length && names.every((name) => this.member(name)?.isSame() === true);
  }
}

/** The elements of a list by keys. */
export class KeyedItems {
  readonly #keys: readonly string[];
  readonly #items = new Map<string, unknown>();

  /** @param schema of the list: without keys, no element is found */
  constructor(schema: JsonSchema, items: readonly unknown[]) {
    this.#keys = schema["x-kubernetes-list-type"] === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []) : [];
    if (this.#keys.length === 0) return;
    for (const item of items) {
      const key = this.#keyOf(item);
      if (key !== undefined && !this.#items.has(key)) this.#items.set(key, item);
    }
  }

  /** The first element with the same keys. */
  like(item: unknown): unknown {
    const key = this.#keyOf(item);
    return key === undefined ? undefined : this.#items.get(key);
  }

  #keyOf(item: unknown): string | undefined {
    if (!isObject(item)) return undefined;
    const values = this.#keys.map((key) => (Object.hasOwn(item, key) ? item[key] : undefined));
    if (!values.every((value) => ["string", "number", "bigint", "boolean"].includes(typeof value))) return undefined;
    return JSON.stringify(values.map((value) => (typeof value === "bigint" ? [value.toString()] : value)));
  }
}
