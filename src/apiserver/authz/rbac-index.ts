import type { ClusterRoleBinding, Role, RoleBinding, Subject } from "#api/rbac-v1/types.ts";
import type { Decision, PolicyRule } from "#apiserver/authz/authorizer.ts";
import type { CachedObject } from "#apiserver/cache/cached-object.ts";
import type { CacheEvent } from "#apiserver/cache/cache-event.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { storageKey, storagePrefix } from "#apiserver/registry/resource-table.ts";
import type { UserInfo } from "#apiserver/user.ts";

type Binding = RoleBinding | ClusterRoleBinding;

const GROUP = "rbac.authorization.k8s.io";
const ROLES = storagePrefix(GROUP, "roles");
const CLUSTER_ROLES = storagePrefix(GROUP, "clusterroles");
const ROLE_BINDINGS = storagePrefix(GROUP, "rolebindings");
const CLUSTER_ROLE_BINDINGS = storagePrefix(GROUP, "clusterrolebindings");

export interface Look {
  /** @returns whether that is enough */
  see(rule: PolicyRule, grant: Grant): boolean;
  /** Told of roles that are bound and not there. */
  missing(grant: Grant): void;
}

/** One subject of one binding. */
export class Grant {
  readonly bindingKey: string;
  readonly roleKey: string;
  readonly #binding: Binding;
  readonly #subject: Subject;
  #decision: Decision | undefined;

  constructor(bindingKey: string, binding: Binding, subject: Subject) {
    this.bindingKey = bindingKey;
    this.#binding = binding;
    this.#subject = subject;
    const { kind, name } = binding.roleRef;
    this.roleKey = kind === "Role" ? storageKey(ROLES, binding.metadata.namespace ?? "", name) : storageKey(CLUSTER_ROLES, "", name);
  }

  /** The yes that this grant gives; the same every time. */
  get decision(): Decision {
    this.#decision ??= { allowed: true, reason: `RBAC: allowed by ${this.#described()}` };
    return this.#decision;
  }

  get roleName(): string {
    return this.#binding.roleRef.name;
  }

  /** As a lister says it. */
  get missingRole(): string {
    const { kind, name } = this.#binding.roleRef;
    return `${kind.toLowerCase()}.${GROUP} ${JSON.stringify(name)} not found`;
  }

  #described(): string {
    const { metadata, roleRef } = this.#binding;
    const { namespace } = metadata;
    const binding = namespace === undefined ? `ClusterRoleBinding ${quoted(metadata.name)}` : `RoleBinding ${quoted(`${metadata.name}/${namespace}`)}`;
    const { kind, name } = this.#subject;
    const subject = kind === "ServiceAccount" ? `${name}/${this.#subject.namespace || (namespace ?? "")}` : name;
    return `${binding} of ${roleRef.kind} ${quoted(roleRef.name)} to ${kind} ${quoted(subject)}`;
  }
}

const quoted = (text: string) => JSON.stringify(text);

/** The bindings of the cluster, or of one namespace, by whom they name. */
class Scope {
  readonly users = new Map<string, Grant[]>();
  readonly groups = new Map<string, Grant[]>();

  get empty(): boolean {
    return this.users.size + this.groups.size === 0;
  }

  add(key: string, binding: Binding): void {
    for (const subject of binding.subjects ?? []) {
      const place = this.#place(subject, binding);
      if (place === undefined) continue;
      const known = place.map.get(place.name);
      if (known === undefined) place.map.set(place.name, [new Grant(key, binding, subject)]);
      else if (known.at(-1)!.bindingKey !== key) known.push(new Grant(key, binding, subject)); // a binding may name a subject twice
    }
  }

  remove(key: string, binding: Binding): void {
    for (const subject of binding.subjects ?? []) {
      const place = this.#place(subject, binding);
      const left = place?.map.get(place.name)?.filter(({ bindingKey }) => bindingKey !== key);
      if (place === undefined || left === undefined) continue;
      if (left.length > 0) place.map.set(place.name, left);
      else place.map.delete(place.name);
    }
  }

  #place({ kind, name, namespace }: Subject, { metadata }: Binding): { map: Map<string, Grant[]>; name: string } | undefined {
    if (kind === "User") return { map: this.users, name };
    if (kind === "Group") return { map: this.groups, name };
    const within = namespace || metadata.namespace;
    return kind === "ServiceAccount" && within ? { map: this.users, name: `system:serviceaccount:${within}:${name}` } : undefined;
  }
}

/**
 * Roles and bindings by subject, from the watch cache: a decision looks at the bindings that name the user or one of his
 * groups, however many others there are. Built when first asked, kept up to date by each change alone.
 */
export class RbacIndex {
  readonly #cache: WatchCache;
  readonly #scopes = new Map<string, Scope>();
  readonly #rules = new Map<string, readonly PolicyRule[]>();
  #loaded = false;

  constructor(cache: WatchCache) {
    this.#cache = cache;
  }

  /**
   * Shows each rule that holds for `user` in `namespace` (`""`: of the cluster alone), until `see` returns true. A binding
   * that names a user and one of his groups comes twice.
   *
   * @returns the grant whose rule it was
   */
  find(user: UserInfo, namespace: string, look: Look): Grant | undefined {
    if (!this.#loaded) this.#load();
    return this.#findIn("", user, look) ?? (namespace === "" ? undefined : this.#findIn(namespace, user, look));
  }

  /** @returns `undefined` when there is no such role */
  rulesOf(kind: string, namespace: string, name: string): readonly PolicyRule[] | undefined {
    if (!this.#loaded) this.#load();
    return this.#rulesAt(kind === "Role" ? storageKey(ROLES, namespace, name) : storageKey(CLUSTER_ROLES, "", name));
  }

  #findIn(scopeName: string, user: UserInfo, look: Look): Grant | undefined {
    const scope = this.#scopes.get(scopeName);
    if (scope === undefined) return undefined;
    const own = this.#findAmong(scope.users.get(user.name), look);
    if (own !== undefined || scope.groups.size === 0) return own;
    for (const group of user.groups) {
      const found = this.#findAmong(scope.groups.get(group), look);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #findAmong(grants: readonly Grant[] | undefined, { see, missing }: Look): Grant | undefined {
    if (grants === undefined) return undefined;
    for (const grant of grants) {
      const rules = this.#rulesAt(grant.roleKey);
      if (rules === undefined) missing(grant);
      else for (const rule of rules) if (see(rule, grant)) return grant;
    }
    return undefined;
  }

  #rulesAt(key: string): readonly PolicyRule[] | undefined {
    let rules = this.#rules.get(key);
    if (rules !== undefined) return rules;
    const role = readable<Role>(this.#cache.get(key));
    if (role === undefined) return undefined;
    rules = (role.rules ?? []) as readonly PolicyRule[];
    this.#rules.set(key, rules);
    return rules;
  }

  #load(): void {
    this.#loaded = true;
    for (const prefix of [CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS]) {
      for (const cached of this.#cache.list(prefix).items) this.#bind(cached.key, readable<Binding>(cached));
      this.#cache.watch(prefix, {}, (event) => this.#rebind(event));
    }
    for (const prefix of [CLUSTER_ROLES, ROLES]) this.#cache.watch(prefix, {}, ({ key }) => void this.#rules.delete(key));
  }

  #rebind({ type, key, previous, current }: CacheEvent): void {
    const old = readable<Binding>(previous);
    if (old !== undefined) {
      const namespace = old.metadata.namespace ?? "";
      const scope = this.#scopes.get(namespace);
      scope?.remove(key, old);
      if (scope?.empty) this.#scopes.delete(namespace);
    }
    if (type === "put") this.#bind(key, readable<Binding>(current));
  }

  #bind(key: string, binding: Binding | undefined): void {
    if (binding === undefined) return;
    const namespace = binding.metadata.namespace ?? "";
    let scope = this.#scopes.get(namespace);
    if (scope === undefined) this.#scopes.set(namespace, (scope = new Scope()));
    scope.add(key, binding);
  }
}

/** What cannot be read grants nothing. */
function readable<T>(cached: CachedObject | undefined): T | undefined {
  try {
    return cached?.object as T | undefined;
  } catch {
    return undefined;
  }
}
