import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { ObjectReader, ObjectWatcher, ObjectWriter } from "#apiserver/admission/reader.ts";
import { storageKey, storagePrefix } from "#apiserver/registry/resource-table.ts";

import type { WatchCache } from "./watch-cache.ts";

/** Longer lists are not worth their memory: plugins ask for them seldom. */
const MAX_REMEMBERED = 100;
const MAX_LISTS = 1000;

/** The cluster as admission sees it. */
export function cacheReader(cache: WatchCache): ObjectReader {
  const lists = new ShortLists(cache);
  const prefixes = new Prefixes();
  return {
    lookup: <T extends KubeObject>(resource: Resource<T>, namespace: string, name: string) =>
      cache.get(storageKey(prefixes.of(resource, ""), namespace, name))?.object as T | undefined,
    list: <T extends KubeObject>(resource: Resource<T>, namespace: string) => lists.get(prefixes.of(resource, namespace)) as readonly T[],
  };
}

/** Where objects of a resource stand, in all namespaces or in one: every write asks for the same few. */
class Prefixes {
  readonly #known = new WeakMap<Resource<KubeObject>, Map<string, string>>();

  of(resource: Resource<KubeObject>, namespace: string): string {
    let known = this.#known.get(resource);
    if (known === undefined) this.#known.set(resource, (known = new Map()));
    let prefix = known.get(namespace);
    if (prefix !== undefined) return prefix;
    const whole = storagePrefix(resource.group, resource.plural);
    prefix = namespace === "" ? whole : `${whole}${namespace}/`;
    if (known.size >= MAX_LISTS) known.clear();
    known.set(namespace, prefix);
    return prefix;
  }
}

/** What admission changes itself. */
export function cacheWriter(cache: WatchCache): ObjectWriter {
  return {
    replace: async ({ group, plural }, objects) => {
      const prefix = storagePrefix(group, plural);
      const writes = objects.map((object) => ({
        key: storageKey(prefix, object.metadata.namespace ?? "", object.metadata.name),
        object,
        expected: Number(object.metadata.resourceVersion),
      }));
      return (await cache.commit(writes)).ok;
    },
  };
}

export function cacheWatcher(cache: WatchCache): ObjectWatcher {
  return { onChange: ({ group, plural }, listener) => void cache.watch(storagePrefix(group, plural), {}, () => listener()) };
}

/** Every pod's creation asks for the same few limit ranges and priority classes: short lists are kept until something in them changes. */
class ShortLists {
  readonly #cache: WatchCache;
  readonly #known = new Map<string, { readonly objects: readonly KubeObject[]; readonly watch: { stop(): void } }>();

  constructor(cache: WatchCache) {
    this.#cache = cache;
  }

  get(prefix: string): readonly KubeObject[] {
    return this.#known.get(prefix)?.objects ?? this.#read(prefix);
  }

  #read(prefix: string): readonly KubeObject[] {
    const objects = this.#cache.list(prefix).items.map(({ object }) => object);
    if (objects.length > MAX_REMEMBERED) return objects;
    if (this.#known.size >= MAX_LISTS) this.#forget(this.#known.keys().next().value!);
    this.#known.set(prefix, { objects, watch: this.#cache.watch(prefix, {}, () => this.#forget(prefix)) });
    return objects;
  }

  #forget(prefix: string): void {
    this.#known.get(prefix)?.watch.stop();
    this.#known.delete(prefix);
  }
}
