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
  return {
    lookup: <T extends KubeObject>({ group, plural }: Resource<T>, namespace: string, name: string) =>
      cache.get(storageKey(storagePrefix(group, plural), namespace, name))?.object as T | undefined,
    list: <T extends KubeObject>({ group, plural }: Resource<T>, namespace: string) => {
      const prefix = storagePrefix(group, plural);
      return lists.get(namespace === "" ? prefix : `${prefix}${namespace}/`) as readonly T[];
    },
  };
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
