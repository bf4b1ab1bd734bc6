import { isDeepStrictEqual } from "node:util";

import type { ClusterRole, Role, RoleBinding } from "#api/rbac-v1/types.ts";
import { goList } from "#apimachinery/go-list.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import type { Authorizer, PolicyRule } from "#apiserver/authz/authorizer.ts";
import { compacted, describeRule, uncovered } from "#apiserver/authz/coverage.ts";
import type { RbacIndex } from "#apiserver/authz/rbac-index.ts";
import { SYSTEM_MASTERS } from "#apiserver/user.ts";

const GROUP = "rbac.authorization.k8s.io";
const FULL_AUTHORITY: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/**
 * Nobody gives away more than he has: who writes a role must hold its rules (or may `escalate`), who binds one, too (or may
 * `bind` it). Comes after everything that changes an object.
 *
 * @see kubernetes pkg/registry/rbac/role/policybased, pkg/registry/rbac/escalation_check.go
 */
export function grantCheck(authorizer: Authorizer, index: RbacIndex): AdmissionPlugin {
  return {
    name: "RBACGrants",
    handles: ({ operation, resource }) => resource.group === GROUP && (operation === "CREATE" || operation === "UPDATE"),
    admit(attributes) {
      const { user, object, oldObject, resource } = attributes;
      if (user.groups.includes(SYSTEM_MASTERS) || object === undefined) return;
      const isBinding = resource.plural.endsWith("bindings");
      if (!isBinding && mayEscalate(attributes, authorizer)) return;
      if (oldObject !== undefined && changesOwnersAlone(object as KubeObject, oldObject)) return;
      if (isBinding) checkBinding(attributes, authorizer, index);
      else checkRole(attributes, index);
    },
  };
}

function mayEscalate({ user, operation, resource, namespace, ...attributes }: AdmissionAttributes, authorizer: Authorizer): boolean {
  const { group, plural } = resource;
  const name = operation === "CREATE" ? "" : attributes.name; // a POST says no name in its path
  return authorizer.authorize({ user, verb: "escalate", group, version: "*", plural, subresource: "", namespace, name }).allowed;
}

function checkRole(attributes: AdmissionAttributes, index: RbacIndex): void {
  const role = attributes.object as unknown as Role;
  const why = notHeld(attributes, index, (role.rules ?? []) as readonly PolicyRule[]);
  if (why !== undefined) throw refused(attributes, why);
  if (!isAggregated(attributes.object) && !isAggregated(attributes.oldObject)) return;
  if (notHeld(attributes, index, FULL_AUTHORITY) !== undefined) throw refused(attributes, "must have cluster-admin privileges to use the aggregationRule");
}

function isAggregated(role: object | undefined): boolean {
  return ((role as ClusterRole | undefined)?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;
}

function checkBinding(attributes: AdmissionAttributes, authorizer: Authorizer, index: RbacIndex): void {
  const { user, namespace, resource } = attributes;
  const { kind = "", name = "", apiGroup: group = "" } = (attributes.object as unknown as RoleBinding).roleRef ?? {};
  const plural = kind === "ClusterRole" ? "clusterroles" : kind === "Role" ? "roles" : undefined;
  if (plural !== undefined && authorizer.authorize({ user, verb: "bind", group, version: "*", plural, subresource: "", namespace, name }).allowed) return;
  if (plural === undefined) throw statusError.internal(new Error(`unsupported role reference kind: ${JSON.stringify(kind)}`));
  const rules = index.rulesOf(kind, namespace, name);
  if (rules === undefined) throw statusError.notFound({ group: resource.group, resource: resource.plural }, name); // upstream names the request's resource
  const why = notHeld(attributes, index, rules);
  if (why !== undefined) throw refused(attributes, why);
}

/** Says which of the rules the user does not hold; `undefined` when he holds all. */
function notHeld({ user, namespace, resource }: AdmissionAttributes, index: RbacIndex, rules: readonly PolicyRule[]): string | undefined {
  const held: PolicyRule[] = [];
  const failures = new Set<string>();
  index.find(user, namespace, {
    see: (rule) => (held.push(rule), false),
    missing: ({ roleName }) => void failures.add(`${resource.plural}.${GROUP} ${JSON.stringify(roleName)} not found`),
  });
  const missing = compacted(uncovered(held, rules));
  if (missing.length === 0) return undefined;
  const told = [...new Set(missing.map(describeRule))].toSorted().join("\n");
  const why = `user ${JSON.stringify(user.name)} (groups=${goList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${told}`;
  if (failures.size === 0) return why;
  const shown = [...failures];
  return `${why}; resolution errors: [${shown.length === 1 ? shown[0] : `[${shown.join(", ")}]`}]`;
}

function refused({ resource, name }: AdmissionAttributes, why: string): Error {
  return statusError.forbidden({ group: GROUP, resource: resource.plural }, name, why);
}

/** The garbage collector may always let go of a role. */
function changesOwnersAlone(object: KubeObject, old: KubeObject): boolean {
  const rest = ({ metadata: { ownerReferences: _o, finalizers: _f, managedFields: _m, selfLink: _s, ...metadata }, ...fields }: KubeObject) =>
    JSON.parse(JSON.stringify({ metadata, ...fields })) as unknown;
  return isDeepStrictEqual(rest(object), rest(old));
}
