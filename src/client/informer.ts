import type { Resource } from "#api/resources.ts";
import type { KubeObject, ObjectKey } from "#apimachinery/object.ts";

/** A local, always current copy of a resource's objects: list, then watch. Objects are frozen and shared. */
export interface Informer<T extends KubeObject> extends Lister<T> {
  /**
   * Calls `handler` after the store has changed; for what stands already, `added` is called at once. Handlers only
   * enqueue keys.
   *
   * @returns a function that takes the handler off again
   */
  onChange(handler: ChangeHandler<T>): () => void;
  /** Resolves once the first list is in the store and the handlers have seen it. */
  readonly synced: Promise<void>;
  /** Whether the store is as new as `resourceVersion`. */
  shows(resourceVersion: string): boolean;
  /** Resolves once `isSo` holds; asked now and after every change. */
  until(isSo: () => boolean): Promise<void>;
}

export interface Lister<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  list(): readonly T[];
  /** Objects of one namespace. */
  inNamespace(namespace: string): readonly T[];
  /** Objects whose controller owner has this uid. */
  ownedBy(uid: string): readonly T[];
  /** Objects that the index named `index` files under `value`; costs no more than the result. */
  byIndex(index: string, value: string): readonly T[];
}

export interface ChangeHandler<T extends KubeObject> {
  added?(object: T): void;
  updated?(object: T, before: T): void;
  deleted?(object: T): void;
}

/** Values under which an index files an object. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

/** The part of a resource that an informer watches: a kubelet's own pods, for one. */
export interface Scope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** One informer for each resource and scope, shared by all that ask. */
export interface InformerFactory {
  /**
   * @param indexes added to those that the informer has; indexes of one name must be the same function
   * @param scope by default all objects of all namespaces
   */
  informer<T extends KubeObject>(resource: Resource<T>, indexes?: Readonly<Record<string, IndexFunction<T>>>, scope?: Scope): Informer<T>;
  /** Resolves once every informer asked for so far is synced. */
  synced(): Promise<void>;
  stop(): void;
}
