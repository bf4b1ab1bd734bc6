import { type CelType, structType } from "./types.ts";

/**
 * A value of the language. `bigint` is an int, `number` a double, and `Uint` an unsigned int. A failure is a value, too, as operators may
 * absorb it.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | Uint
  | Timestamp
  | Duration
  | TypeValue
  | Optional
  | ListValue
  | MapValue
  | ObjectValue
  | OpaqueValue
  | Failure;

export const MIN_INT = -(2n ** 63n);
export const MAX_INT = 2n ** 63n - 1n;
export const MAX_UINT = 2n ** 64n - 1n;

/** Why there is no value. */
export class Failure {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export const NO_SUCH_OVERLOAD = new Failure("no such overload");

export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A moment, in nanoseconds since 1970, and the offset from UTC with which it was written. */
export class Timestamp {
  readonly nanos: bigint;
  readonly offsetMinutes: number;

  constructor(nanos: bigint, offsetMinutes = 0) {
    this.nanos = nanos;
    this.offsetMinutes = offsetMinutes;
  }
}

/** In nanoseconds, within the range of an int. */
export class Duration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class TypeValue {
  readonly type: CelType;

  constructor(type: CelType) {
    this.type = type;
  }
}

export class Optional {
  static readonly NONE = new Optional(undefined);
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    this.value = value;
  }
}

/** A list, which may be made of something else as elements are asked for. */
export abstract class ListValue {
  abstract readonly size: number;
  abstract get(index: number): Value;

  *[Symbol.iterator](): Generator<Value> {
    for (let i = 0; i < this.size; i++) yield this.get(i);
  }

  /** Whether it has a type of its own: it refuses to be compared with what is no list. */
  get isTyped(): boolean {
    return false;
  }

  /** What is left of it in an optional that is selected from: a list with a type of its own is a list like any other there. */
  get plain(): Value {
    return this;
  }

  /** Whether both hold the same; a list whose order means nothing says otherwise. */
  sameAs(other: ListValue, same: (a: Value, b: Value) => boolean): boolean {
    if (this.size !== other.size) return false;
    for (let i = 0; i < this.size; i++) if (!same(this.get(i), other.get(i))) return false;
    return true;
  }

  /** This list with another behind it. */
  concat(other: ListValue): ListValue {
    return new ArrayList([...this], this.size).concat(other);
  }
}

export class ArrayList extends ListValue {
  readonly #items: Value[];
  override readonly size: number;

  /** @param items belongs to the list from now on, which shows the first `size` of them */
  constructor(items: Value[], size = items.length) {
    super();
    this.#items = items;
    this.size = size;
  }

  override get(index: number): Value {
    return this.#items[index] as Value;
  }

  /** The longest list on an array appends to it: a loop that builds a list costs no more than its elements. */
  override concat(other: ListValue): ListValue {
    if (other.size === 0) return this;
    const items = this.#items.length === this.size ? this.#items : this.#items.slice(0, this.size);
    const added = [...other];
    for (const item of added) items.push(item);
    return new ArrayList(items, this.size + added.length);
  }
}

export abstract class MapValue {
  abstract readonly size: number;
  abstract get(key: Value): Value | undefined;
  abstract keys(): Iterable<Value>;

  /** As that of a list. */
  get isTyped(): boolean {
    return false;
  }

  /** As that of a list. */
  get plain(): Value {
    return this;
  }

  /** Whether both hold the same; a map that knows more than it shows says otherwise. */
  sameAs(other: MapValue, same: (a: Value, b: Value) => boolean): boolean {
    if (this.size !== other.size) return false;
    for (const key of this.keys()) {
      const there = other.get(key);
      if (there === undefined || !same(this.get(key) ?? null, there)) return false;
    }
    return true;
  }
}

/** A map with a key of any simple kind; numbers that are equal are one key, whatever their types. */
export class EntryMap extends MapValue {
  readonly #entries: ReadonlyMap<string, readonly [Value, Value]>;

  private constructor(entries: ReadonlyMap<string, readonly [Value, Value]>) {
    super();
    this.#entries = entries;
  }

  static of(entries: Iterable<readonly [Value, Value]>): EntryMap {
    const map = new Map<string, readonly [Value, Value]>();
    for (const entry of entries) map.set(mapKey(entry[0]) ?? "", entry);
    return new EntryMap(map);
  }

  override get size(): number {
    return this.#entries.size;
  }

  override get(key: Value): Value | undefined {
    const found = mapKey(key);
    return found === undefined ? undefined : this.#entries.get(found)?.[1];
  }

  override *keys(): Generator<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

/** The same text for equal keys; undefined for what is no key. */
export function mapKey(key: Value): string | undefined {
  switch (typeof key) {
    case "string":
      return `s${key}`;
    case "bigint":
      return `n${key}`;
    case "number":
      return Number.isInteger(key) ? `n${BigInt(key)}` : `d${key}`;
    case "boolean":
      return `b${key}`;
    default:
      return key instanceof Uint ? `n${key.value}` : undefined;
  }
}

/** What `Type{field: value}` makes. */
export class ObjectValue {
  readonly type: CelType;
  readonly fields: ReadonlyMap<string, Value>;

  constructor(typeName: string, fields: ReadonlyMap<string, Value>) {
    this.type = structType(typeName);
    this.fields = fields;
  }
}

/** A value of which only functions know anything. */
export abstract class OpaqueValue {
  abstract readonly type: CelType;
  abstract equals(other: OpaqueValue): boolean;
  /** What it costs to look at all of it; undefined where that is no more than looking at it. */
  get size(): number | undefined {
    return undefined;
  }
}
