import { ListValue, MapValue, type Value } from "./values.ts";

/**
 * A JSON value as a value of the language: whole numbers are ints, other numbers doubles. Lists and maps convert what is asked for.
 * What is a value of the language already, as strings and booleans are, stays as it is.
 */
export function fromJson(json: unknown): Value {
  if (typeof json === "number") return Number.isInteger(json) && Math.abs(json) < 2 ** 63 ? BigInt(json) : json;
  if (Array.isArray(json)) return new JsonList(json);
  if (typeof json !== "object" || json === null) return (json ?? null) as Value;
  const prototype: unknown = Object.getPrototypeOf(json);
  return prototype === Object.prototype || prototype === null ? new JsonMap(json as Record<string, unknown>) : (json as Value);
}

class JsonList extends ListValue {
  readonly #items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    super();
    this.#items = items;
  }

  override get size(): number {
    return this.#items.length;
  }

  override get(index: number): Value {
    return fromJson(this.#items[index]);
  }
}

class JsonMap extends MapValue {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: Readonly<Record<string, unknown>>) {
    super();
    this.#members = members;
  }

  override get size(): number {
    return Object.keys(this.#members).length;
  }

  override get(key: Value): Value | undefined {
    return typeof key === "string" && Object.hasOwn(this.#members, key) ? fromJson(this.#members[key]) : undefined;
  }

  override keys(): readonly string[] {
    return Object.keys(this.#members);
  }
}
