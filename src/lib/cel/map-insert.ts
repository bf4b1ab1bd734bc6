import { declare, type FunctionDeclaration, overload } from "./declarations.ts";
import { printValue } from "./inspect.ts";
import { mapOf, param } from "./types.ts";
import { EntryMap, Failure, MapValue, mapKey, NO_SUCH_OVERLOAD, type Value } from "./values.ts";

const K = param("K");
const V = param("V");
const MAP = mapOf(K, V);

/** What the two-variable macros call to fill a map. */
export const MAP_INSERT: readonly FunctionDeclaration[] = [
  declare("cel.@mapInsert", [
    overload("@mapInsert_map_key_value", [MAP, K, V], MAP, (map, key, value) => insertAll(map, [[key!, value!]])),
    overload("@mapInsert_map_map", [MAP, MAP], MAP, (map, other) => insertAll(map, entriesOf(other))),
  ]),
];

function entriesOf(map: Value): [Value, Value][] {
  return map instanceof MapValue ? [...map.keys()].map((key) => [key, map.get(key) ?? null]) : [];
}

function insertAll(map: Value, entries: readonly (readonly [Value, Value])[]): Value {
  if (!(map instanceof MapValue)) return NO_SUCH_OVERLOAD;
  const grown = map instanceof GrowingMap ? map.branch() : GrowingMap.from(map);
  for (const [key, value] of entries) if (!grown.insert(key, value)) return new Failure(`insert failed: key ${printValue(key)} already exists`);
  return grown;
}

/** A map that a loop fills: all states share one table, and each shows the entries that were there when it was made. */
class GrowingMap extends MapValue {
  #table: Map<string, readonly [Value, Value, number]>;
  #size: number;

  private constructor(table: Map<string, readonly [Value, Value, number]>, size: number) {
    super();
    this.#table = table;
    this.#size = size;
  }

  static from(map: MapValue): GrowingMap {
    const grown = new GrowingMap(new Map(), 0);
    for (const [key, value] of entriesOf(map)) grown.insert(key, value);
    return grown;
  }

  branch(): GrowingMap {
    return this.#table.size === this.#size ? new GrowingMap(this.#table, this.#size) : GrowingMap.from(EntryMap.of(entriesOf(this)));
  }

  insert(key: Value, value: Value): boolean {
    const name = mapKey(key) ?? "";
    if (this.#table.has(name)) return false;
    this.#table.set(name, [key, value, this.#size]);
    this.#size++;
    return true;
  }

  override get size(): number {
    return this.#size;
  }

  override get(key: Value): Value | undefined {
    const entry = this.#table.get(mapKey(key) ?? "");
    return entry === undefined || entry[2] >= this.#size ? undefined : entry[1];
  }

  override *keys(): Generator<Value> {
    for (const [key, , index] of this.#table.values()) if (index < this.#size) yield key;
  }
}
