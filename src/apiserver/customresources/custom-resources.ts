import { CLEANUP_FINALIZER, isTrue, namingStatus, withCondition } from "#api/apiextensions-v1/conditions.ts";
import type { CustomResourceDefinition } from "#api/apiextensions-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { deleteObject } from "#apiserver/registry/delete.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import type { ResourceTable, ServedResource } from "#apiserver/registry/resource-table.ts";
import { storagePrefix } from "#apiserver/registry/resource-table.ts";
import { scaleVerbs } from "#apiserver/registry/special/scale.ts";
import type { SubresourceTable } from "#apiserver/registry/subresource.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { formatTime } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

import { type Converters, isServedAlike, servedBy } from "./served.ts";

export interface CustomResourcesDeps {
  readonly registry: RegistryDeps;
  readonly resources: ResourceTable;
  readonly subresources: SubresourceTable;
  readonly converters: Converters;
  readonly logger: Logger;
}

interface Served {
  readonly definition: CustomResourceDefinition;
  readonly resources: readonly ServedResource[];
  readonly replaced: AbortController;
}

const PREFIX = storagePrefix("apiextensions.k8s.io", "customresourcedefinitions");

/**
 * Has the server serve what CustomResourceDefinitions define: it gives names, keeps the conditions, and cleans up behind a
 * definition that goes.
 */
export class CustomResources {
  readonly #deps: CustomResourcesDeps;
  readonly #served = new Map<string, Served>();
  readonly #dirty = new Set<string>();
  /** The watches of objects that hold a definition, by its name. */
  readonly #waiting = new Map<string, { stop(): void }>();
  #subscription: { stop(): void } | undefined;
  #running: Promise<void> | undefined;
  /** Told what a definition was and is, when it was made, changed or deleted. */
  onChange: ((spec: CustomResourceDefinition["spec"]) => void) | undefined;

  constructor(deps: CustomResourcesDeps) {
    this.#deps = deps;
  }

  get #cache(): WatchCache {
    return this.#deps.registry.cache;
  }

  /** Serves what is defined now, and follows what changes. */
  start(): void {
    for (const { key, object } of this.#cache.list(PREFIX).items) this.#take(key, object as CustomResourceDefinition);
    this.#publish();
    this.#subscription = this.#cache.watch(PREFIX, { afterRevision: this.#cache.revision() }, ({ type, key, current }) => {
      const before = this.#served.get(key.slice(PREFIX.length))?.definition;
      const definition = type === "delete" ? undefined : (current.object as CustomResourceDefinition);
      this.#take(key, definition);
      this.#publish();
      for (const each of [before, definition]) if (each !== undefined) this.onChange?.(each.spec);
    });
  }

  get definitions(): readonly CustomResourceDefinition[] {
    return Array.from(this.#served.values(), ({ definition }) => definition);
  }

  /** Whether nothing that is defined waits for being looked at. */
  get isSettled(): boolean {
    return this.#subscription !== undefined && this.#running === undefined;
  }

  async stop(): Promise<void> {
    this.#subscription?.stop();
    this.#dirty.clear();
    for (const watch of this.#waiting.values()) watch.stop();
    await this.#running;
  }

  #take(key: string, definition: CustomResourceDefinition | undefined): void {
    const name = key.slice(PREFIX.length);
    const before = this.#served.get(name);
    if (definition === undefined) {
      this.#served.delete(name);
      before?.replaced.abort();
      this.#forget(name);
      for (const other of this.#served.keys()) this.#enqueue(other); // a name may be free now
      return;
    }
    if (before !== undefined && isServedAlike(before.definition, definition)) this.#served.set(name, { ...before, definition });
    else {
      const replaced = new AbortController();
      this.#served.set(name, { definition, replaced, resources: this.#resourcesOf(name, definition, replaced.signal) });
      before?.replaced.abort();
    }
    this.#enqueue(name);
  }

  #resourcesOf(name: string, definition: CustomResourceDefinition, replaced: AbortSignal): readonly ServedResource[] {
    try {
      return servedBy(definition, replaced, this.#deps.converters);
    } catch (error) {
      this.#deps.logger.error("a custom resource cannot be served", { definition: name, error });
      return [];
    }
  }

  #publish(): void {
    const { resources, subresources, registry } = this.#deps;
    for (const { info } of resources.custom) subresources.unregister({ ...info, subresource: "scale" });
    const all = [...this.#served.values()].flatMap((each) => each.resources);
    resources.setCustom(all);
    for (const { info, custom } of all) {
      if (custom?.scale === undefined) continue;
      const { group, plural } = info;
      const of = ({ version }: { readonly version: string }) => {
        const served = resources.get(group, version, plural)!;
        return { served, access: served.custom!.scale! };
      };
      subresources.register({ group, plural, subresource: "scale", ...scaleVerbs(registry, of) });
    }
  }

  #enqueue(name: string): void {
    this.#dirty.add(name);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    await undefined; // whoever delivers events is not kept
    for (const name of this.#dirty) {
      this.#dirty.delete(name);
      try {
        await this.#sync(name);
      } catch (error) {
        this.#deps.logger.error("a custom resource definition cannot be seen to", { definition: name, error });
      }
    }
    this.#running = undefined; // in the same turn as the last look, or what comes between would wait for ever
  }

  async #sync(name: string): Promise<void> {
    const current = this.#cache.get(PREFIX + name);
    if (current === undefined) return;
    const definition = current.object as CustomResourceDefinition;
    const others = [...this.#served.values()].map((each) => each.definition).filter((other) => isNeighbour(definition, other));
    const status = namingStatus(definition, others, this.#now());
    if (status !== definition.status) await this.#write(current, { ...definition, status });
    else if (definition.metadata.deletionTimestamp !== undefined && (definition.metadata.finalizers?.includes(CLEANUP_FINALIZER) ?? false)) {
      await this.#cleanUp(current, definition);
    }
  }

  /** Deletes the objects of a definition that goes; when none is left, lets it go. */
  async #cleanUp(current: CachedObject, definition: CustomResourceDefinition): Promise<void> {
    const { name } = definition.metadata;
    const resources = this.#served.get(name)?.resources ?? [];
    const served = resources.find(({ info }) => info.version === info.custom?.storageVersion) ?? resources[0];
    const prefix = storagePrefix(definition.spec.group, definition.spec.names.plural);
    if (served !== undefined && isTrue(definition, "Established")) await this.#deleteObjects(served, prefix);
    if (this.#cache.list(prefix, { limit: 1 }).items.length === 0) return this.#release(current, definition);
    const busy = { type: "Terminating", status: "True", reason: "InstanceDeletionInProgress", message: "CustomResource deletion is in progress" };
    const conditions = withCondition(definition.status.conditions ?? [], busy, this.#now());
    if (!this.#waiting.has(name)) {
      const again = () => {
        if (this.#cache.list(prefix, { limit: 1 }).items.length === 0) this.#enqueue(name);
      };
      this.#waiting.set(name, this.#cache.watch(prefix, {}, again));
    }
    const isTold = definition.status.conditions?.some(({ reason }) => reason === busy.reason) ?? false;
    if (!isTold) await this.#write(current, { ...definition, status: { ...definition.status, conditions } });
  }

  async #deleteObjects(served: ServedResource, prefix: string): Promise<void> {
    const context = { user: LOOPBACK_USER, userAgent: "skiff", warn() {} };
    for (const { object } of this.#cache.list(prefix).items) {
      const { name, namespace = "", deletionTimestamp } = object.metadata;
      if (deletionTimestamp !== undefined) continue;
      await deleteObject(this.#deps.registry, { served: asStored(served), namespace, name, options: {}, context }).catch((error: unknown) =>
        this.#deps.logger.warn("an object of a definition that goes cannot be deleted", { name, namespace, error }),
      );
    }
  }

  async #release(current: CachedObject, definition: CustomResourceDefinition): Promise<void> {
    const finalizers = (definition.metadata.finalizers ?? []).filter((name) => name !== CLEANUP_FINALIZER);
    if (finalizers.length === 0) {
      await this.#cache.commit([{ key: current.key, object: undefined, expected: current.revision }]);
      return;
    }
    const done = { type: "Terminating", status: "False", reason: "InstanceDeletionCompleted", message: "removed all instances" };
    const conditions = withCondition(definition.status.conditions ?? [], done, this.#now());
    await this.#write(current, { ...definition, metadata: { ...definition.metadata, finalizers }, status: { ...definition.status, conditions } });
  }

  /** Somebody else who was faster is heard of, and then it is looked at again. */
  async #write({ key, revision }: CachedObject, definition: CustomResourceDefinition): Promise<void> {
    const result = await this.#cache.commit([{ key, object: definition as KubeObject, expected: revision }]);
    if (!result.ok) this.#enqueue(key.slice(PREFIX.length));
  }

  #forget(name: string): void {
    this.#waiting.get(name)?.stop();
    this.#waiting.delete(name);
  }

  #now(): string {
    return formatTime(this.#deps.registry.clock.now());
  }
}

/** What only goes is not converted: a webhook that is gone already keeps no definition. */
function asStored(served: ServedResource): ServedResource {
  return served.custom?.conversion === undefined ? served : { ...served, view: undefined, custom: { ...served.custom, conversion: undefined } };
}

const isNeighbour = (definition: CustomResourceDefinition, other: CustomResourceDefinition) =>
  other.metadata.name !== definition.metadata.name && other.spec.group === definition.spec.group;
