import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { RegistryDeps } from "#apiserver/registry/deps.ts";
import { storageKey, storagePrefix } from "#apiserver/registry/resource-table.ts";

export interface RewriteTarget {
  readonly group: string;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
}

const MAX_ATTEMPTS = 64;

/**
 * Changes a stored object past strategies and validation, as subresources with rules of their own do.
 *
 * @param change gives the new object from the one that stands; the same one back means nothing is to be written
 * @throws {StatusError} 404, or what `change` throws
 */
export async function rewrite<T extends KubeObject>(
  { cache }: Pick<RegistryDeps, "cache">,
  target: RewriteTarget,
  dryRun: boolean,
  change: (old: T) => T,
): Promise<T> {
  const { group, plural, namespace, name } = target;
  const key = storageKey(storagePrefix(group, plural), namespace, name);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const current = cache.get(key);
    if (current === undefined) throw statusError.notFound({ group, resource: plural }, name);
    const old = current.object as T;
    const next = change(old);
    if (dryRun || next === old) return next;
    const result = await cache.commit([{ key, object: next, expected: current.revision }]);
    if (result.ok) return result.objects[0]!.object as T;
  }
  throw statusError.conflict({ group, resource: plural }, name, "the object has been modified; please apply your changes to the latest version and try again");
}
