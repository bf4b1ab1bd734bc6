import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "#api/rbac-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";

import { checkRoleKept, RBAC_GROUP, validateBinding, validateClusterRole, validateRole } from "./validate.ts";

/** Roles are named freely (`system:node`), as long as the name fits into a path. */
const named = { validateName: nameIsPathSegment, allowCreateOnUpdate: true } satisfies Strategy;

/** @see kubernetes pkg/registry/rbac */
export const roleStrategy: Strategy<Role> = {
  ...named,
  canonicalize: emptyRulesToNull,
  validateCreate: validateRole,
  validateUpdate: validateRole,
};

export const clusterRoleStrategy: Strategy<ClusterRole> = {
  ...named,
  canonicalize: emptyRulesToNull,
  validateCreate: validateClusterRole,
  validateUpdate: validateClusterRole,
};

export const roleBindingStrategy: Strategy<RoleBinding> = {
  ...named,
  applyDefaults: defaultBinding,
  validateCreate: (binding) => validateBinding(binding, true),
  validateUpdate: (binding, old) => [...validateBinding(binding, true), ...checkRoleKept(binding, old)],
};

export const clusterRoleBindingStrategy: Strategy<ClusterRoleBinding> = {
  ...named,
  applyDefaults: defaultBinding,
  validateCreate: (binding) => validateBinding(binding, false),
  validateUpdate: (binding, old) => [...validateBinding(binding, false), ...checkRoleKept(binding, old)],
};

function defaultBinding({ roleRef, subjects }: Mutable<RoleBinding | ClusterRoleBinding>): void {
  if (roleRef) roleRef.apiGroup ||= RBAC_GROUP;
  for (const subject of subjects ?? []) if (subject.kind === "User" || subject.kind === "Group") subject.apiGroup ||= RBAC_GROUP;
}

/** Upstream's storage does not tell an empty list from none, which is written as null. */
function emptyRulesToNull(role: Mutable<Role | ClusterRole>): void {
  if (!role.rules?.length) (role as { rules: unknown }).rules = null;
}
