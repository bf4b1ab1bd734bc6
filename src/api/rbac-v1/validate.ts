import { type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject } from "#api/rbac-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Subdomain, nameIsPathSegment } from "#apimachinery/validation/names.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";
import { sameJson } from "#lib/same-json.ts";

export const RBAC_GROUP = "rbac.authorization.k8s.io";

const RULES = new FieldPath("rules");
const SELECTORS = new FieldPath("aggregationRule.clusterRoleSelectors");
const ROLE_REF = new FieldPath("roleRef");
const SUBJECTS = new FieldPath("subjects");

/** @see kubernetes pkg/apis/rbac/validation/validation.go */
export function validateRole({ rules }: Role): FieldError[] {
  const errors: Errors = [];
  for (const [i, rule] of (rules ?? []).entries()) validateRule(errors, rule, true, RULES.index(i));
  return errors;
}

export function validateClusterRole({ rules, aggregationRule }: ClusterRole): FieldError[] {
  const errors: Errors = [];
  for (const [i, rule] of (rules ?? []).entries()) validateRule(errors, rule, false, RULES.index(i));
  if (!aggregationRule) return errors;
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) errors.push(fieldError.required(SELECTORS, "at least one clusterRoleSelector required if aggregationRule is non-nil"));
  for (const [i, selector] of selectors.entries()) {
    const wrong = validateLabelSelector(selector, SELECTORS.index(i));
    errors.push(...wrong);
    // Upstream shows what came of the selector: nothing.
    if (wrong.length > 0) errors.push(fieldError.invalid(SELECTORS.index(i), null, "invalid label selector."));
  }
  return errors;
}

function validateRule(errors: Errors, rule: PolicyRule, isNamespaced: boolean, path: FieldPath): void {
  const { verbs = [], nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
  if (!verbs?.length) errors.push(fieldError.required(path.child("verbs"), "verbs must contain at least one value"));
  if (nonResourceURLs.length > 0) {
    const at = path.child("nonResourceURLs");
    if (isNamespaced) errors.push(fieldError.invalid(at, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      errors.push(fieldError.invalid(at, nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs"));
    }
    return;
  }
  if (apiGroups.length === 0) errors.push(fieldError.required(path.child("apiGroups"), "resource rules must supply at least one api group"));
  if (resources.length === 0) errors.push(fieldError.required(path.child("resources"), "resource rules must supply at least one resource"));
}

type Binding = RoleBinding | ClusterRoleBinding;

export function validateBinding({ roleRef, subjects }: Binding, isNamespaced: boolean): FieldError[] {
  const errors: Errors = [];
  const { apiGroup = "", kind = "", name = "" } = roleRef;
  if (apiGroup !== RBAC_GROUP) errors.push(fieldError.notSupported(ROLE_REF.child("apiGroup"), apiGroup, [RBAC_GROUP]));
  const kinds = isNamespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  if (!kinds.includes(kind)) errors.push(fieldError.notSupported(ROLE_REF.child("kind"), kind, kinds));
  if (name === "") errors.push(fieldError.required(ROLE_REF.child("name")));
  else pushInvalid(errors, ROLE_REF.child("name"), name, nameIsPathSegment(name));
  for (const [i, subject] of (subjects ?? []).entries()) validateSubject(errors, subject, isNamespaced, SUBJECTS.index(i));
  return errors;
}

/** A binding is to one role for good. */
export function checkRoleKept({ roleRef }: Binding, old: Binding): FieldError[] {
  return sameJson(roleRef, old.roleRef) ? [] : [fieldError.invalid(ROLE_REF, asGo(roleRef), "cannot change roleRef")];
}

const asGo = ({ apiGroup = "", kind = "", name = "" }: RoleRef) => ({ APIGroup: apiGroup, Kind: kind, Name: name });

function validateSubject(errors: Errors, { kind = "", name = "", apiGroup = "", namespace = "" }: Subject, isNamespaced: boolean, path: FieldPath): void {
  if (name === "") errors.push(fieldError.required(path.child("name")));
  const checkGroup = (wanted: string) => {
    if (apiGroup !== wanted) errors.push(fieldError.notSupported(path.child("apiGroup"), apiGroup, [wanted]));
  };
  switch (kind) {
    case "ServiceAccount":
      if (name !== "") pushInvalid(errors, path.child("name"), name, isDns1123Subdomain(name));
      checkGroup("");
      if (!isNamespaced && namespace === "") errors.push(fieldError.required(path.child("namespace")));
      return;
    case "User":
    case "Group":
      return checkGroup(RBAC_GROUP);
    default:
      errors.push(fieldError.notSupported(path.child("kind"), kind, ["ServiceAccount", "User", "Group"]));
  }
}
