import { checkDnsLabel, checkDnsSubdomain, checkRequired, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import type { FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from "#api/flowcontrol-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Label } from "#apimachinery/validation/names.ts";

import { checkMandatorySchema } from "./mandatory.ts";

const SPEC = new FieldPath("spec");
const MAX_PRECEDENCE = 10_000;
const METHODS = ["ByNamespace", "ByUser"];
const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const SUBJECTS = { Group: "group", ServiceAccount: "serviceAccount", User: "user" } as const;
type SubjectKind = keyof typeof SUBJECTS;

/** @see kubernetes pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchema */
export function validateFlowSchema(schema: FlowSchema): FieldError[] {
  const errors: Errors = [];
  const { metadata, spec } = schema;
  const { matchingPrecedence: precedence = 0, distinguisherMethod, priorityLevelConfiguration: level } = spec;
  const at = SPEC.child("matchingPrecedence");
  if (precedence <= 0) errors.push(fieldError.invalid(at, precedence, "must be a positive value"));
  if (precedence > MAX_PRECEDENCE) errors.push(fieldError.invalid(at, precedence, `must not be greater than ${MAX_PRECEDENCE}`));
  if (precedence === 1 && metadata.name !== "exempt") {
    errors.push(fieldError.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  }
  if (distinguisherMethod && !METHODS.includes(distinguisherMethod.type)) {
    errors.push(fieldError.notSupported(SPEC.child("distinguisherMethod", "type"), { Type: distinguisherMethod.type ?? "" }, METHODS));
  }
  const name = SPEC.child("priorityLevelConfiguration", "name");
  if (level?.name) checkDnsSubdomain(errors, level.name, name);
  else errors.push(fieldError.required(name, "must reference a priority level"));
  for (const [i, rule] of (spec.rules ?? []).entries()) validateRule(errors, rule, SPEC.child("rules").index(i));
  checkMandatorySchema(errors, schema);
  return errors;
}

function validateRule(errors: Errors, rule: PolicyRulesWithSubjects, path: FieldPath): void {
  const { subjects, resourceRules = [], nonResourceRules = [] } = rule;
  if (!subjects?.length) errors.push(fieldError.required(path.child("subjects"), "subjects must contain at least one value"));
  for (const [i, subject] of (subjects ?? []).entries()) validateSubject(errors, subject, path.child("subjects").index(i));
  if (resourceRules.length + nonResourceRules.length === 0) {
    errors.push(fieldError.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"));
  }
  for (const [i, each] of resourceRules.entries()) validateResourceRule(errors, each, path.child("resourceRules").index(i));
  for (const [i, each] of nonResourceRules.entries()) validateNonResourceRule(errors, each, path.child("nonResourceRules").index(i));
}

function validateSubject(errors: Errors, subject: Subject, path: FieldPath): void {
  const kind = subject.kind as SubjectKind;
  const field = SUBJECTS[kind];
  if (field === undefined) return void errors.push(fieldError.notSupported(path.child("kind"), subject.kind ?? "", Object.keys(SUBJECTS)));
  const at = path.child(field);
  const named = subject[field];
  if (!named) errors.push(fieldError.required(at, `${field} is required when subject kind is '${kind}'`));
  else if (kind !== "ServiceAccount") checkRequired(errors, named.name, at, "name");
  else validateAccount(errors, subject.serviceAccount!, at);
  for (const other of ["ServiceAccount", "User", "Group"] as const) {
    if (other === kind || subject[SUBJECTS[other]] === undefined) continue;
    errors.push(fieldError.forbidden(path.child(SUBJECTS[other]), `${SUBJECTS[other]} is forbidden when subject kind is not '${other}'`));
  }
}

function validateAccount(errors: Errors, { name = "", namespace = "" }: NonNullable<Subject["serviceAccount"]>, path: FieldPath): void {
  if (name === "") errors.push(fieldError.required(path.child("name")));
  else if (name !== "*") checkDnsSubdomain(errors, name, path.child("name"));
  if (namespace === "") errors.push(fieldError.required(path.child("namespace"), "must specify namespace for service account"));
  else checkDnsLabel(errors, namespace, path.child("namespace"));
}

function validateVerbs(errors: Errors, verbs: readonly string[], path: FieldPath): void {
  const at = path.child("verbs");
  if (verbs.length === 0) errors.push(fieldError.required(at, "verbs must contain at least one value"));
  else if (verbs.includes("*")) checkAlone(errors, verbs, at, "verbs");
  else if (!verbs.every((verb) => VERBS.includes(verb))) errors.push(fieldError.notSupported(at, verbs, VERBS));
}

/** A star stands for all, so that nothing can stand beside it. */
function checkAlone(errors: Errors, values: readonly string[], path: FieldPath, what: string): void {
  if (values.length > 1 && values.includes("*")) errors.push(fieldError.invalid(path, values, `if '*' is present, must not specify other ${what}`));
}

function validateResourceRule(errors: Errors, rule: ResourcePolicyRule, path: FieldPath): void {
  const [verbs, apiGroups, resources, namespaces] = [rule.verbs ?? [], rule.apiGroups ?? [], rule.resources ?? [], rule.namespaces ?? []];
  validateVerbs(errors, verbs, path);
  if (apiGroups.length === 0) errors.push(fieldError.required(path.child("apiGroups"), "resource rules must supply at least one api group"));
  checkAlone(errors, apiGroups, path.child("apiGroups"), "api groups");
  if (resources.length === 0) errors.push(fieldError.required(path.child("resources"), "resource rules must supply at least one resource"));
  checkAlone(errors, resources, path.child("resources"), "resources");
  const at = path.child("namespaces");
  if (namespaces.length === 0 && rule.clusterScope !== true) {
    errors.push(fieldError.required(at, "resource rules that are not cluster scoped must supply at least one namespace"));
  } else if (namespaces.includes("*")) checkAlone(errors, namespaces, at, "namespaces");
  else {
    for (const [i, namespace] of namespaces.entries()) {
      for (const message of isDns1123Label(namespace)) {
        errors.push(fieldError.invalid(at.index(i), namespace, `each member of this list must be '*' or a DNS-1123 label; ${message}`));
      }
    }
  }
}

function validateNonResourceRule(errors: Errors, rule: NonResourcePolicyRule, path: FieldPath): void {
  validateVerbs(errors, rule.verbs ?? [], path);
  const urls = rule.nonResourceURLs ?? [];
  const at = path.child("nonResourceURLs");
  if (urls.length === 0) errors.push(fieldError.required(at, "nonResourceURLs must contain at least one value"));
  else if (urls.includes("*")) checkAlone(errors, urls, at, "non-resource URLs");
  else for (const [i, url] of urls.entries()) checkUrlPath(errors, url, at.index(i));
}

function checkUrlPath(errors: Errors, url: string, path: FieldPath): void {
  const refuse = (why: string) => errors.push(fieldError.invalid(path, url, why));
  if (url === "") refuse("must not be empty");
  else if (url === "/") return;
  else if (!url.startsWith("/")) refuse("must start with slash");
  else if (url.includes(" ")) refuse("must not contain white-space");
  else if (url.includes("//")) refuse("must not contain double slash");
  else if (url.replace(/\/\*$/, "").includes("*")) refuse("wildcard can only do suffix matching");
}
