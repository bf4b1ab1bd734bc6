import type { KubeObject } from "#apimachinery/object.ts";
import { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { storageKey, storagePrefix } from "#apiserver/registry/resource-table.ts";
import type { UserInfo } from "#apiserver/user.ts";
import { silentLogger } from "#lib/logger.ts";
import { SimClock } from "#lib/sim-clock.ts";
import { createMemoryStore } from "#storage/memory/memory-store.ts";

const RBAC = "rbac.authorization.k8s.io";

type Fields = Readonly<Record<string, unknown>>;

/** A cluster's objects for tests of authorizers: roles and bindings in few words. */
export class TestPolicy {
  readonly cache: WatchCache;

  private constructor(cache: WatchCache) {
    this.cache = cache;
  }

  static async open(): Promise<TestPolicy> {
    return new TestPolicy(await WatchCache.open(createMemoryStore(), { clock: new SimClock(), logger: silentLogger }));
  }

  async put(group: string, plural: string, namespace: string, name: string, fields: Fields): Promise<void> {
    const { metadata, ...rest } = fields;
    const object = {
      metadata: { name, ...(namespace !== "" && { namespace }), uid: `uid-${name}`, ...(metadata as object) },
      ...rest,
    } as unknown as KubeObject;
    await this.cache.commit([{ key: storageKey(storagePrefix(group, plural), namespace, name), object, expected: undefined }]);
  }

  async remove(group: string, plural: string, namespace: string, name: string): Promise<void> {
    await this.cache.commit([{ key: storageKey(storagePrefix(group, plural), namespace, name), object: undefined, expected: undefined }]);
  }

  /** @param namespace `""` for a ClusterRole */
  role(namespace: string, name: string, ...rules: readonly Fields[]): Promise<void> {
    return this.put(RBAC, namespace === "" ? "clusterroles" : "roles", namespace, name, { rules });
  }

  /** @param role `Role/x` or `ClusterRole/x` */
  bind(namespace: string, name: string, role: string, ...subjects: readonly Fields[]): Promise<void> {
    const [kind, roleName] = role.split("/");
    const roleRef = { apiGroup: RBAC, kind, name: roleName };
    return this.put(RBAC, namespace === "" ? "clusterrolebindings" : "rolebindings", namespace, name, { roleRef, subjects });
  }

  unbind(namespace: string, name: string): Promise<void> {
    return this.remove(RBAC, namespace === "" ? "clusterrolebindings" : "rolebindings", namespace, name);
  }
}

export const userNamed = (name: string, ...groups: readonly string[]): UserInfo => ({ name, uid: "", groups, extra: {} });

/** `get pods/log.apps in ns named x` in parts. */
export function asked(user: UserInfo, verb: string, resource: string, { namespace = "", name = "", fieldSelector = "" } = {}) {
  const [path = "", ...group] = resource.split(".");
  const [plural = "", subresource = ""] = path.split("/");
  return { user, verb, group: group.join("."), version: "v1", plural, subresource, namespace, name, fieldSelector };
}
