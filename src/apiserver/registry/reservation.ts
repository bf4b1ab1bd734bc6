import type { KubeObject } from "#apimachinery/object.ts";
import type { ResourceHooks } from "#apiserver/registry/types.ts";
import type { Draft } from "#apiserver/registry/write.ts";

/**
 * Lets the kind's hook fill in what it allocates, before the strategy looks at the object.
 *
 * @returns gives back what was taken; a second call does nothing
 */
export async function reserve(hooks: ResourceHooks | undefined, object: Draft, old: KubeObject | undefined, dryRun: boolean): Promise<() => void> {
  let taken = await hooks?.beforeCommit?.(object as KubeObject, old, { dryRun });
  return () => {
    taken?.rollback();
    taken = undefined;
  };
}
