import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { NodeAuthorizer } from "#apiserver/authz/node-authorizer.ts";
import { NodeRelations } from "#apiserver/authz/node-relations.ts";
import { RbacAuthorizer } from "#apiserver/authz/rbac-authorizer.ts";
import type { RbacIndex } from "#apiserver/authz/rbac-index.ts";
import { privilegedAuthorizer, UnionAuthorizer } from "#apiserver/authz/union-authorizer.ts";
import type { WatchCache } from "#apiserver/cache/watch-cache.ts";

/** What a cluster goes by: `system:masters`, then the modes Node and RBAC. */
export function clusterAuthorizer(cache: WatchCache, index: RbacIndex): Authorizer {
  return new UnionAuthorizer([privilegedAuthorizer, new NodeAuthorizer(new NodeRelations(cache)), new RbacAuthorizer(index)]);
}
