import type { ListMeta, ObjectMeta, TypeMeta } from "#apimachinery/meta-v1/types.ts";

/**
 * What every stored object has. Objects from a cache are frozen: build a new one instead of changing it.
 */
export interface KubeObject extends TypeMeta {
  readonly metadata: ObjectMeta;
}

/** A list as the API answers it. Items of built-in kinds carry no `kind` and `apiVersion` on the wire. */
export interface KubeList<T extends KubeObject = KubeObject> {
  readonly metadata: ListMeta;
  readonly items: readonly T[];
}

/** An object as a client may send it: what the server fills in is optional. */
export type Draft<T> = T extends KubeObject ? Omit<DeepPartial<T>, "metadata"> & { readonly metadata: DeepPartial<ObjectMeta> } : DeepPartial<T>;

export type DeepPartial<T> = T extends readonly (infer E)[]
  ? readonly DeepPartial<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

/** `namespace/name`, or `name` for what has no namespace: the key of caches and work queues. */
export type ObjectKey = string;

export function keyOf(object: { readonly metadata: { readonly namespace?: string | undefined; readonly name: string } }): ObjectKey {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

export function splitKey(key: ObjectKey): { namespace: string | undefined; name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { namespace: undefined, name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Freezes `value` and all it holds. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const key in value) deepFreeze(value[key]);
  return value;
}
