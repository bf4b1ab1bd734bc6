import type { Pod } from "#api/core-v1/types.ts";
import type { CacheEvent } from "#apiserver/cache/cache-event.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { storagePrefix } from "#apiserver/registry/resource-table.ts";

const PODS = storagePrefix("", "pods");
const NODE_NAME = Buffer.from('"nodeName":"');
const QUOTE = '"'.charCodeAt(0);

/**
 * The pods of each node, by their keys. Built when first asked, from the pods' bytes: decoding those of a whole cluster takes
 * too long. What the bytes seem to say is only where to look; each answer is checked on the pod itself.
 */
export class NodePods {
  readonly #cache: WatchCache;
  #byNode: Map<string, Set<string>> | undefined;

  constructor(cache: WatchCache) {
    this.#cache = cache;
  }

  /** @param namespace `""` for all */
  *of(node: string, namespace: string): Iterable<Pod> {
    const prefix = namespace === "" ? PODS : `${PODS}${namespace}/`;
    for (const key of this.#index().get(node) ?? []) {
      if (!key.startsWith(prefix)) continue;
      const pod = this.get(key, node);
      if (pod !== undefined) yield pod;
    }
  }

  /** The pod, when it is there and on that node. */
  get(key: string, node: string): Pod | undefined {
    const pod = this.#cache.get(key)?.object as Pod | undefined;
    return pod?.spec.nodeName === node ? pod : undefined;
  }

  #index(): Map<string, Set<string>> {
    if (this.#byNode !== undefined) return this.#byNode;
    const byNode = new Map<string, Set<string>>();
    for (const cached of this.#cache.list(PODS).items) add(byNode, cached);
    this.#cache.watch(PODS, {}, ({ type, current, previous, key }: CacheEvent) => {
      if (type === "put") return add(byNode, current);
      const node = nodeNameOf(previous ?? current);
      const keys = node === undefined ? undefined : byNode.get(node);
      if (keys?.delete(key) && keys.size === 0) byNode.delete(node!);
    });
    this.#byNode = byNode;
    return byNode;
  }
}

function add(byNode: Map<string, Set<string>>, cached: CachedObject): void {
  const node = nodeNameOf(cached);
  if (node === undefined) return;
  const keys = byNode.get(node);
  if (keys === undefined) byNode.set(node, new Set([cached.key]));
  else keys.add(cached.key);
}

function nodeNameOf(cached: CachedObject): string | undefined {
  try {
    const { json } = cached;
    const at = json.indexOf(NODE_NAME);
    if (at < 0) return undefined;
    const from = at + NODE_NAME.length;
    return json.toString("latin1", from, json.indexOf(QUOTE, from));
  } catch {
    return undefined; // cannot be read, so no node may have it
  }
}
