import type { APIService } from "#api/apiregistration-v1/types.ts";
import type { Priority } from "#apiserver/discovery/documents.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { storagePrefix } from "#apiserver/registry/resource-table.ts";

const PREFIX = storagePrefix("apiregistration.k8s.io", "apiservices");

/** An APIService whose requests go to another server. */
export type RemoteService = APIService & { readonly spec: { readonly service: NonNullable<APIService["spec"]["service"]> } };

/** The APIServices that there are, by name, and those of other servers by group and version. */
export class ApiServices {
  readonly #cache: WatchCache;
  readonly #all = new Map<string, APIService>();
  readonly #remote = new Map<string, RemoteService>();
  readonly #listeners: ((name: string) => void)[] = [];
  #priorities: ReadonlyMap<string, Priority> | undefined;
  #subscription: { stop(): void } | undefined;

  constructor(cache: WatchCache) {
    this.#cache = cache;
  }

  /** Takes what is there, and follows what changes. */
  start(): void {
    for (const { key, object } of this.#cache.list(PREFIX).items) this.#take(key.slice(PREFIX.length), object as APIService);
    this.#subscription = this.#cache.watch(PREFIX, { afterRevision: this.#cache.revision() }, ({ type, key, current }) =>
      this.#take(key.slice(PREFIX.length), type === "delete" ? undefined : (current.object as APIService)),
    );
  }

  stop(): void {
    this.#subscription?.stop();
    this.#subscription = undefined;
  }

  get isFollowing(): boolean {
    return this.#subscription !== undefined;
  }

  /** `listener` is told the name of what was made, changed or deleted. */
  onChange(listener: (name: string) => void): void {
    this.#listeners.push(listener);
  }

  /** By name; the same for as long as none changes. */
  get priorities(): ReadonlyMap<string, Priority> {
    return (this.#priorities ??= new Map(
      Array.from(this.#all, ([name, { spec }]) => [name, { group: spec.groupPriorityMinimum, version: spec.versionPriority }]),
    ));
  }

  get(name: string): APIService | undefined {
    return this.#all.get(name);
  }

  get names(): readonly string[] {
    return [...this.#all.keys()];
  }

  get remotes(): readonly RemoteService[] {
    return [...this.#remote.values()];
  }

  /** Who serves a version of a group, if that is another server. */
  remoteOf(group: string, version: string): RemoteService | undefined {
    return this.#remote.size === 0 ? undefined : this.#remote.get(`${version}.${group}`);
  }

  #take(name: string, service: APIService | undefined): void {
    const before = this.#all.get(name)?.spec;
    const after = service?.spec;
    if (before?.groupPriorityMinimum !== after?.groupPriorityMinimum || before?.versionPriority !== after?.versionPriority) this.#priorities = undefined;
    if (service === undefined) this.#all.delete(name);
    else this.#all.set(name, service);
    // The core group cannot be given away: its objects are what everything else stands on.
    if (service?.spec.service && service.spec.group) this.#remote.set(name, service as RemoteService);
    else this.#remote.delete(name);
    for (const listener of this.#listeners) listener(name);
  }
}
