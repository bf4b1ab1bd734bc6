import type { Attributes, Authorizer, Decision, UserRules } from "#apiserver/authz/authorizer.ts";
import { NodeAuthorizer } from "#apiserver/authz/node-authorizer.ts";
import { NodeRelations } from "#apiserver/authz/node-relations.ts";
import { RbacAuthorizer } from "#apiserver/authz/rbac-authorizer.ts";
import type { RbacIndex } from "#apiserver/authz/rbac-index.ts";
import { privilegedAuthorizer, UnionAuthorizer } from "#apiserver/authz/union-authorizer.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";
import { UNAUTHENTICATED } from "#apiserver/user.ts";
import type { UserInfo } from "#apiserver/user.ts";

/** What a cluster goes by: `system:masters`, then the modes Node and RBAC. */
export function clusterAuthorizer(cache: WatchCache, index: RbacIndex): Authorizer {
  return new StrangersAuthorizer(new UnionAuthorizer([privilegedAuthorizer, new NodeAuthorizer(new NodeRelations(cache)), new RbacAuthorizer(index)]));
}

/** Who is not known gets through no proxy by a rule that says `proxy`: for him it is called `unsafeproxy`. */
class StrangersAuthorizer implements Authorizer {
  readonly #inner: Authorizer;

  constructor(inner: Authorizer) {
    this.#inner = inner;
  }

  authorize(attributes: Attributes): Decision {
    if (attributes.path !== undefined || attributes.subresource !== "proxy" || !attributes.user.groups.includes(UNAUTHENTICATED)) {
      return this.#inner.authorize(attributes);
    }
    const decision = this.#inner.authorize({ ...attributes, subresource: "unsafeproxy" });
    if (decision.allowed) return decision;
    const changed = "proxy subresource changed to unsafeproxy";
    return { ...decision, reason: decision.reason === "" ? changed : `${decision.reason}\n${changed}` };
  }

  rulesFor(user: UserInfo, namespace: string): UserRules {
    return this.#inner.rulesFor(user, namespace);
  }
}
