import type { Resource } from "#api/resources.ts";
import { deepFreeze, keyOf, type KubeObject, type ObjectKey } from "#apimachinery/object.ts";
import { IndexedStore } from "#client/indexed-store.ts";
import type { ChangeHandler, IndexFunction, Informer, Scope } from "#client/informer.ts";
import { Reflector, type ReflectorDeps } from "#client/reflector.ts";
import { isAtLeast } from "#client/resource-version.ts";
import type { WatchEvent } from "#client/transport.ts";

/** An informer on its own reflector; many may listen to it. */
export class SharedInformer<T extends KubeObject> implements Informer<T> {
  readonly synced: Promise<void>;
  readonly #store = new IndexedStore<T>();
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #waiting = new Set<{ readonly isSo: () => boolean; readonly resolve: () => void }>();
  readonly #reflector: Reflector;
  readonly #deps: ReflectorDeps;
  readonly #resource: Resource<T>;
  #resourceVersion = "";
  #markSynced!: () => void;

  constructor(resource: Resource<T>, scope: Scope, deps: ReflectorDeps) {
    this.#resource = resource;
    this.#deps = deps;
    this.synced = new Promise((resolve) => (this.#markSynced = resolve));
    const sink = {
      replaced: (objects: readonly KubeObject[], resourceVersion: string) => this.#replace(objects as readonly T[], resourceVersion),
      event: (event: WatchEvent) => this.#apply(event as WatchEvent<T>),
    };
    this.#reflector = new Reflector(resource, scope, sink, deps);
  }

  start(): void {
    this.#reflector.start();
  }

  stop(): void {
    this.#reflector.stop();
  }

  addIndexes(indexes: Readonly<Record<string, IndexFunction<T>>>): void {
    for (const [name, valuesOf] of Object.entries(indexes)) this.#store.addIndex(name, valuesOf);
  }

  get(key: ObjectKey): T | undefined {
    return this.#store.get(key);
  }

  list(): readonly T[] {
    return this.#store.list();
  }

  inNamespace(namespace: string): readonly T[] {
    return this.#store.inNamespace(namespace);
  }

  ownedBy(uid: string): readonly T[] {
    return this.#store.ownedBy(uid);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  onChange(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#store.list()) this.#call(() => handler.added?.(object));
    return () => void this.#handlers.delete(handler);
  }

  shows(resourceVersion: string): boolean {
    return this.#resourceVersion !== "" && isAtLeast(this.#resourceVersion, resourceVersion);
  }

  until(isSo: () => boolean): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ isSo, resolve }));
  }

  #replace(objects: readonly T[], resourceVersion: string): void {
    const gone = new Set(this.#store.keys());
    for (const object of objects) {
      gone.delete(keyOf(object));
      this.#put(object);
    }
    for (const key of gone) this.#remove(key);
    this.#reached(resourceVersion);
    this.#markSynced();
  }

  #apply({ type, object }: WatchEvent<T>): void {
    if (type === "DELETED") this.#remove(keyOf(object), object);
    else if (type !== "BOOKMARK") this.#put(object);
    if (object.metadata.resourceVersion !== undefined) this.#reached(object.metadata.resourceVersion);
  }

  #put(object: T): void {
    deepFreeze(object);
    const before = this.#store.put(object);
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion && before?.metadata.uid === object.metadata.uid) return;
    // A new uid under an old name: the deletion between was missed, and handlers must hear of it.
    const replaced = before !== undefined && before.metadata.uid !== object.metadata.uid;
    for (const handler of this.#handlers) {
      if (replaced) this.#call(() => handler.deleted?.(before));
      if (before === undefined || replaced) this.#call(() => handler.added?.(object));
      else this.#call(() => handler.updated?.(object, before));
    }
  }

  #remove(key: ObjectKey, last?: T): void {
    const before = this.#store.remove(key);
    if (before === undefined) return;
    const object = last === undefined ? before : deepFreeze(last);
    for (const handler of this.#handlers) this.#call(() => handler.deleted?.(object));
  }

  #reached(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    for (const waiter of this.#waiting) {
      if (!waiter.isSo()) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  /** One listener's fault is not another's, nor the API server's that publishes in process. */
  #call(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#deps.logger.error("informer handler failed", { resource: this.#resource.plural, error });
    }
  }
}
