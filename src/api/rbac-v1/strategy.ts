import type { ClusterRoleBinding, RoleBinding } from "#api/rbac-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";

const RBAC_GROUP = "rbac.authorization.k8s.io";

/** Roles are named freely (`system:node`), as long as the name fits into a path. */
const named = { validateName: nameIsPathSegment, allowCreateOnUpdate: true } satisfies Strategy;

export const roleStrategy: Strategy = named;
export const clusterRoleStrategy: Strategy = named;
export const roleBindingStrategy: Strategy<RoleBinding> = { ...named, applyDefaults: defaultBinding };
export const clusterRoleBindingStrategy: Strategy<ClusterRoleBinding> = { ...named, applyDefaults: defaultBinding };

function defaultBinding({ roleRef, subjects }: Mutable<RoleBinding | ClusterRoleBinding>): void {
  roleRef.apiGroup ||= RBAC_GROUP;
  for (const subject of subjects ?? []) if (subject.kind !== "ServiceAccount") subject.apiGroup ||= RBAC_GROUP;
}
