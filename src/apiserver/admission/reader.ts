import type { Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";

/** What plugins may see of the cluster: the watch cache, whose objects are frozen. */
export interface ObjectReader {
  /** @param namespace `""` for what has no namespace */
  lookup<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string): T | undefined;
  /** In order of the keys. */
  list<T extends KubeObject>(resource: Resource<T>, namespace: string): readonly T[];
}
