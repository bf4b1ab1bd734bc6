import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";

/** What plugins may see of the cluster: the watch cache, whose objects are frozen. */
export interface ObjectReader {
  /** @param namespace `""` for what has no namespace */
  lookup<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string): T | undefined;
  /** In order of the keys. */
  list<T extends KubeObject>(resource: Resource<T>, namespace: string): readonly T[];
}

/** What plugins may write themselves, past admission and validation. */
export interface ObjectWriter {
  /** Writes all of the objects, or none when one of them is no longer as its `resourceVersion` says. */
  replace<T extends KubeObject>(resource: Resource<T>, objects: readonly T[]): Promise<boolean>;
}

/** Tells plugins that something has changed. */
export interface ObjectWatcher {
  /** `listener` is called after each change of the resource's objects, with the cache already changed. */
  onChange<T extends KubeObject>(resource: Resource<T>, listener: () => void): void;
}
