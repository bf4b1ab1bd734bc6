import type { ResourceQuotaSpec } from "#api/core-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";

import { type Errors, sortedEntries } from "../pod-spec/checks.ts";
import type { ResourceList } from "../pod-spec/resource-list.ts";
import { checkQuantity, checkResourceName, isHugePages } from "../pod-spec/validate-resources.ts";

const SPEC = new FieldPath("spec");
const SELECTOR = SPEC.child("scopeSelector", "matchExpressions");
const COMPUTE = ["cpu", "memory", "ephemeral-storage"];
const COUNTED = [
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "persistentvolumeclaims",
  "configmaps",
  "services.nodeports",
  "services.loadbalancers",
];
const STANDARD = new Set([...COMPUTE, ...COMPUTE.flatMap((name) => [`requests.${name}`, `limits.${name}`]), "requests.storage", ...COUNTED]);
const POD_RESOURCES = ["pods", ...["cpu", "memory"].flatMap((name) => [name, `limits.${name}`, `requests.${name}`])];

/** The resources that quotas of a scope may bound. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  Terminating: POD_RESOURCES,
  NotTerminating: POD_RESOURCES,
  BestEffort: ["pods"],
  NotBestEffort: POD_RESOURCES,
  PriorityClass: POD_RESOURCES,
  VolumeAttributesClass: ["persistentvolumeclaims", "requests.storage"],
  CrossNamespacePodAffinity: POD_RESOURCES,
};
const EXISTS_ONLY = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
const CONFLICTS = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;

/** @see kubernetes pkg/apis/core/validation/validation.go ValidateResourceQuotaSpec */
export function validateQuotaSpec(spec: ResourceQuotaSpec): FieldError[] {
  const errors: Errors = [];
  checkQuotaList(errors, spec.hard, SPEC.child("hard"));
  validateScopes(errors, spec);
  validateSelector(errors, spec);
  return errors;
}

export function checkQuotaList(errors: Errors, list: ResourceList | undefined, path: FieldPath): void {
  for (const [name, quantity] of sortedEntries(list)) {
    checkResourceName(errors, name, path.key(name));
    if (!name.includes("/") && !isStandard(name)) errors.push(fieldError.invalid(path.key(name), name, "must be a standard resource for quota"));
    checkQuantity(errors, name, quantity, path.key(name));
  }
}

const isStandard = (name: string) => STANDARD.has(name) || isHugePages(name) || name.startsWith("requests.hugepages-");

/** The standard resources of the quota that the scope has nothing to do with. */
function strangers(scope: string, hard: ResourceList = {}): string[] {
  const allowed = SCOPES[scope];
  return allowed === undefined ? [] : Object.keys(hard).filter((name) => isStandard(name) && !allowed.includes(name));
}

function validateScopes(errors: Errors, { scopes = [], hard }: ResourceQuotaSpec): void {
  const path = SPEC.child("scopes");
  for (const scope of scopes) {
    if (SCOPES[scope] === undefined) errors.push(fieldError.invalid(path, scopes, "unsupported scope"));
    for (const _ of strangers(scope, hard)) errors.push(fieldError.invalid(path, scopes, "unsupported scope applied to resource"));
  }
  checkConflicts(errors, scopes, scopes, path);
}

function validateSelector(errors: Errors, { scopes, hard, scopeSelector }: ResourceQuotaSpec): void {
  const requirements = scopeSelector?.matchExpressions ?? [];
  const told = {
    MatchExpressions: requirements.map(({ scopeName, operator, values }) => ({ ScopeName: scopeName, Operator: operator, Values: values ?? null })),
  };
  for (const { scopeName = "", operator = "", values = [] } of requirements) {
    if (SCOPES[scopeName] === undefined) errors.push(fieldError.invalid(SELECTOR.child("scopeName"), scopeName, "unsupported scope"));
    for (const _ of strangers(scopeName, hard)) errors.push(fieldError.invalid(SELECTOR, told, "unsupported scope applied to resource"));
    if (EXISTS_ONLY.includes(scopeName) && operator !== "Exists") {
      const why =
        "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
      errors.push(fieldError.invalid(SELECTOR.child("operator"), operator, why));
    }
    checkOperator(errors, operator, values);
  }
  checkConflicts(
    errors,
    requirements.map(({ scopeName }) => scopeName),
    scopes,
    SELECTOR,
  );
}

function checkOperator(errors: Errors, operator: string, values: readonly string[]): void {
  const path = SELECTOR.child("values");
  if (operator === "In" || operator === "NotIn") {
    if (values.length > 0) return;
    errors.push(fieldError.required(path, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    if (values.length === 0) return;
    errors.push(fieldError.invalid(path, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"));
  } else errors.push(fieldError.invalid(SELECTOR.child("operator"), operator, "not a valid selector operator"));
}

function checkConflicts(errors: Errors, scopes: readonly string[], told: readonly string[] | undefined, path: FieldPath): void {
  for (const [one, other] of CONFLICTS) {
    if (scopes.includes(one) && scopes.includes(other)) errors.push(fieldError.invalid(path, told, "conflicting scopes"));
  }
}
