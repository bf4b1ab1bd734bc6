import { keyOf, type KubeObject, type ObjectKey } from "#apimachinery/object.ts";
import type { IndexFunction, Lister } from "#client/informer.ts";

const NAMESPACE = "namespace";
const OWNER = "owner";

type Bucket<T> = Map<ObjectKey, T>;

/** Objects by key, with indexes that each change updates at a cost of its own size. */
export class IndexedStore<T extends KubeObject> implements Lister<T> {
  readonly #objects: Bucket<T> = new Map();
  readonly #functions = new Map<string, IndexFunction<T>>();
  readonly #buckets = new Map<string, Map<string, Bucket<T>>>();

  constructor() {
    this.addIndex(NAMESPACE, ({ metadata: { namespace } }) => (namespace ? [namespace] : []));
    this.addIndex(OWNER, ({ metadata: { ownerReferences = [] } }) => ownerReferences.filter(({ controller }) => controller).map(({ uid }) => uid));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  keys(): readonly ObjectKey[] {
    return [...this.#objects.keys()];
  }

  inNamespace(namespace: string): readonly T[] {
    return this.byIndex(NAMESPACE, namespace);
  }

  ownedBy(uid: string): readonly T[] {
    return this.byIndex(OWNER, uid);
  }

  byIndex(index: string, value: string): readonly T[] {
    const buckets = this.#buckets.get(index);
    if (buckets === undefined) throw new Error(`no index ${index}`);
    const bucket = buckets.get(value);
    return bucket === undefined ? [] : [...bucket.values()];
  }

  /** Adds an index over what stands and what comes; an index that is there already stays as it is. */
  addIndex(name: string, valuesOf: IndexFunction<T>): void {
    if (this.#functions.has(name)) return;
    this.#functions.set(name, valuesOf);
    this.#buckets.set(name, new Map());
    for (const [key, object] of this.#objects) this.#file(name, valuesOf(object), key, object);
  }

  /** @returns what stood under the object's key before */
  put(object: T): T | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const [name, valuesOf] of this.#functions) {
      const values = valuesOf(object);
      if (before !== undefined)
        this.#unfile(
          name,
          valuesOf(before).filter((value) => !values.includes(value)),
          key,
        );
      this.#file(name, values, key, object);
    }
    return before;
  }

  /** @returns what stood there */
  remove(key: ObjectKey): T | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    for (const [name, valuesOf] of this.#functions) this.#unfile(name, valuesOf(before), key);
    return before;
  }

  #file(index: string, values: readonly string[], key: ObjectKey, object: T): void {
    const buckets = this.#buckets.get(index)!;
    for (const value of values) {
      let bucket = buckets.get(value);
      if (bucket === undefined) buckets.set(value, (bucket = new Map()));
      bucket.set(key, object);
    }
  }

  #unfile(index: string, values: readonly string[], key: ObjectKey): void {
    const buckets = this.#buckets.get(index)!;
    for (const value of values) {
      const bucket = buckets.get(value);
      bucket?.delete(key);
      if (bucket?.size === 0) buckets.delete(value);
    }
  }
}
