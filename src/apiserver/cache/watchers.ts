import type { KubeObject } from "#apimachinery/object.ts";
import type { CachedObject } from "./cached-object.ts";
import type { CacheEvent } from "./cache-event.ts";

/** What a watcher cares for; all that is given must hold, of the state before or the state after. */
export interface WatchScope {
  readonly namespace?: string;
  readonly name?: string;
  /** The pod's spec.nodeName. */
  readonly nodeName?: string;
}

export interface Watcher {
  readonly prefix: string;
  readonly scope: WatchScope;
  readonly matches: ((object: KubeObject) => boolean) | undefined;
  readonly sink: (event: CacheEvent) => void;
  readonly onFailed: ((error: unknown) => void) | undefined;
  readonly afterRevision: number;
  /** Events with a lower number are none of its business: it began after them, or has been given them. */
  next: number;
}

/** The watchers of one prefix, each in one place: under the most telling part of its scope. */
class Group {
  readonly all = new Set<Watcher>();
  readonly byNamespace = new Map<string, Set<Watcher>>();
  readonly byName = new Map<string, Set<Watcher>>();
  readonly byNode = new Map<string, Set<Watcher>>();

  get empty(): boolean {
    return this.all.size + this.byNamespace.size + this.byName.size + this.byNode.size === 0;
  }

  add(watcher: Watcher): void {
    const place = this.#place(watcher.scope);
    if (place === undefined) return void this.all.add(watcher);
    const watchers = place.map.get(place.value);
    if (watchers === undefined) place.map.set(place.value, new Set([watcher]));
    else watchers.add(watcher);
  }

  remove(watcher: Watcher): boolean {
    const place = this.#place(watcher.scope);
    if (place === undefined) return this.all.delete(watcher);
    const watchers = place.map.get(place.value);
    if (!watchers?.delete(watcher)) return false;
    if (watchers.size === 0) place.map.delete(place.value);
    return true;
  }

  #place({ name, nodeName, namespace }: WatchScope): { map: Map<string, Set<Watcher>>; value: string } | undefined {
    if (name !== undefined) return { map: this.byName, value: name };
    if (nodeName !== undefined) return { map: this.byNode, value: nodeName };
    return namespace === undefined ? undefined : { map: this.byNamespace, value: namespace };
  }
}

/** Finds the watchers of an event by look-ups: its cost is that of the watchers that want it, not of all there are. */
export class Watchers {
  readonly #groups = new Map<string, Group>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @throws {TypeError} when the prefix does not end in a slash */
  add(watcher: Watcher): void {
    const { prefix } = watcher;
    if (!prefix.endsWith("/")) throw new TypeError(`a watch's prefix ends in a slash: ${prefix}`);
    let group = this.#groups.get(prefix);
    if (group === undefined) this.#groups.set(prefix, (group = new Group()));
    group.add(watcher);
    this.#size++;
  }

  remove(watcher: Watcher): void {
    const group = this.#groups.get(watcher.prefix);
    if (!group?.remove(watcher)) return;
    this.#size--;
    if (group.empty) this.#groups.delete(watcher.prefix);
  }

  /** Offers the event, whose number is `sequence`, to every watcher that may want it. */
  deliver(event: CacheEvent, sequence: number, offerTo: (watcher: Watcher, event: CacheEvent) => void): void {
    const { key } = event;
    for (let slash = key.indexOf("/"); slash >= 0; slash = key.indexOf("/", slash + 1)) {
      const group = this.#groups.get(key.slice(0, slash + 1));
      if (group === undefined) continue;
      const offer = (watchers: Iterable<Watcher> | undefined) => {
        for (const watcher of watchers ?? []) if (watcher.next <= sequence) offerTo(watcher, event);
      };
      offer(group.all);
      const { namespace, name } = placeOf(key, slash + 1);
      if (group.byNamespace.size > 0 && namespace !== undefined) offer(group.byNamespace.get(namespace));
      if (group.byName.size > 0) offer(group.byName.get(name));
      if (group.byNode.size > 0) for (const node of nodesOf(event)) offer(group.byNode.get(node));
    }
  }
}

/** Whether an event concerns a watcher: by the place of its key, and by its states. */
export function wants({ prefix, scope, matches, afterRevision }: Watcher, event: CacheEvent): boolean {
  if (event.revision <= afterRevision) return false;
  if (scope.name !== undefined || scope.namespace !== undefined) {
    const { namespace, name } = placeOf(event.key, prefix.length);
    if (scope.name !== undefined && scope.name !== name) return false;
    if (scope.namespace !== undefined && namespace !== undefined && scope.namespace !== namespace) return false;
  }
  if (scope.nodeName !== undefined && !nodesOf(event).includes(scope.nodeName)) return false;
  if (matches === undefined) return true;
  if (event.previous !== undefined && matches(event.previous.object)) return true;
  return event.type === "put" && matches(event.current.object);
}

/** `ns/name` or `name` after a prefix. */
function placeOf(key: string, from: number): { namespace: string | undefined; name: string } {
  const slash = key.lastIndexOf("/");
  return { namespace: slash > from ? key.slice(from, slash) : undefined, name: key.slice(slash + 1) };
}

/** The node of the state before and of the state after, each once. */
function nodesOf(event: CacheEvent): string[] {
  const before = event.previous && nodeOf(event.previous);
  const after = event.type === "put" ? nodeOf(event.current) : undefined;
  if (before === undefined || before === after) return after === undefined ? [] : [after];
  return after === undefined ? [before] : [before, after];
}

/** What cannot be read is on no node. */
function nodeOf(state: CachedObject): string | undefined {
  try {
    return (state.object as { readonly spec?: { readonly nodeName?: string } }).spec?.nodeName;
  } catch {
    return undefined;
  }
}
