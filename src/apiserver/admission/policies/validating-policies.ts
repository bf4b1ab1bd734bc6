import { NAMESPACES } from "#api/builtin.ts";
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from "#api/admissionregistration-v1/types.ts";
import type { ResourceInfo } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import { type AskAuthorizer, type AuthorizationQuestion, authorizerValue, requestResourceValue } from "#apimachinery/cel/authorizer.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import { shown } from "#apiserver/admission/policies/evaluation.ts";
import { Match } from "#apiserver/admission/policies/matching.ts";
import { paramResource, paramsOf } from "#apiserver/admission/policies/params.ts";
import { type CompiledPolicy, compilePolicy, type Findings, validate } from "#apiserver/admission/policies/policy.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { shownAs } from "#apiserver/admission/webhooks/dispatch.ts";
import { requestFields } from "#apiserver/admission/webhooks/review.ts";
import { reviewedKind, type Versions } from "#apiserver/admission/webhooks/versions.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import { AUTHENTICATED, type UserInfo } from "#apiserver/user.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";
import type { Activation } from "#lib/cel/compile.ts";

export interface PolicyDeps {
  readonly reader: ObjectReader;
  readonly resources: ResourceTable;
  readonly versions: Versions;
  readonly authorizer: Authorizer;
}

/** A policy with its bindings, its expressions compiled. */
export interface BoundPolicy {
  readonly policy: ValidatingAdmissionPolicy;
  readonly match: Match;
  readonly compiled: CompiledPolicy;
  readonly bindings: readonly { readonly binding: ValidatingAdmissionPolicyBinding; readonly match: Match }[];
}

/** Policies that nothing binds do nothing. */
export function boundPolicies(policies: readonly ValidatingAdmissionPolicy[], bindings: readonly ValidatingAdmissionPolicyBinding[]): BoundPolicy[] {
  const named = <T extends KubeObject>(list: readonly T[]) => list.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return named(policies).flatMap((policy) => {
    const own = named(bindings).filter(({ spec }) => spec.policyName === policy.metadata.name);
    if (own.length === 0) return [];
    const bound = own.map((binding) => ({ binding, match: new Match(binding.spec.matchResources) }));
    return [{ policy, match: new Match(policy.spec.matchConstraints), compiled: compilePolicy(policy), bindings: bound }];
  });
}

interface Denial {
  readonly policy: string;
  readonly binding: string | undefined;
  readonly message: string;
  readonly reason: string;
}

const MAX_ANNOTATION_BYTES = 10 * 1024;
const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 };

/**
 * Asks all policies that concern the request.
 *
 * @throws {StatusError} for the first refusal
 * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go
 */
export function enforce(policies: readonly BoundPolicy[], attributes: AdmissionAttributes, deps: PolicyDeps): void {
  const [denial] = policies.flatMap((bound) => denialsOf(bound, attributes, deps));
  if (denial === undefined) return;
  const { policy, binding, message, reason } = denial;
  const told = `ValidatingAdmissionPolicy '${policy}'${binding === undefined ? "" : ` with binding '${binding}'`} denied request: ${message}`;
  const { status } = forbidden(attributes, told);
  throw new StatusError({ ...status, reason, code: CODES[reason] ?? 422, details: { ...status.details, causes: [{ message: told }] } });
}

function denialsOf(bound: BoundPolicy, attributes: AdmissionAttributes, deps: PolicyDeps): Denial[] {
  const { policy, match, compiled, bindings } = bound;
  const equivalentsOf = (resource: ResourceInfo, subresource: string) => deps.versions.equivalentsOf(resource, subresource);
  const misconfigured = (what: string, error: unknown, binding?: string): Denial[] =>
    compiled.failsOpen
      ? []
      : [{ policy: policy.metadata.name, binding, message: `failed to configure ${what}: ${(error as Error).message}`, reason: "Invalid" }];
  let as: ResourceInfo | undefined;
  let params: ResourceInfo | undefined;
  try {
    as = match.seenAs(attributes, deps.reader, equivalentsOf);
    if (as === undefined) return [];
    params = paramResource(policy.spec.paramKind, deps.resources.infos);
  } catch (error) {
    return misconfigured("policy", error);
  }
  const annotations = new Map<string, Set<string>>();
  const seen = as;
  const denials = bindings.flatMap(({ binding, match: narrower }) => {
    const { name } = binding.metadata;
    let findings: Findings[];
    try {
      if (narrower.seenAs(attributes, deps.reader, equivalentsOf) === undefined) return [];
      const given = paramsOf(params, binding.spec.paramRef, attributes.namespace, deps.reader);
      findings = given.map((param) => validate(compiled, activationOf(attributes, seen, policy.spec.paramKind === undefined ? undefined : { param }, deps)));
    } catch (error) {
      return misconfigured("binding", error, name);
    }
    for (const { key, value } of findings.flatMap((each) => each.annotations)) {
      annotations.set(key, (annotations.get(key) ?? new Set()).add(value.slice(0, MAX_ANNOTATION_BYTES)));
    }
    return findings.flatMap((each) => act(each, policy.metadata.name, binding, attributes));
  });
  for (const [key, values] of annotations) attributes.annotate?.(`${policy.metadata.name}/${key}`, [...values].join(", "));
  return denials;
}

/** Does what the binding asks for, but for what refuses the request. */
function act({ denials, faults }: Findings, policy: string, { metadata, spec }: ValidatingAdmissionPolicyBinding, attributes: AdmissionAttributes): Denial[] {
  const binding = metadata.name;
  const actions = spec.validationActions ?? [];
  for (const { index, message } of denials) {
    if (actions.includes("Warn")) attributes.warn(`Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding}': ${message}`);
    if (!actions.includes("Audit")) continue;
    const failure = { message, policy, binding, expressionIndex: index, validationActions: actions };
    attributes.annotate?.("validation.policy.admission.k8s.io/validation_failure", JSON.stringify([failure]));
  }
  const denied = actions.includes("Deny") ? denials.map(({ message, reason }) => ({ policy, binding, message, reason })) : [];
  return [...denied, ...faults.map((message) => ({ policy, binding, message, reason: "Invalid" }))];
}

export type ActivationDeps = Pick<PolicyDeps, "reader" | "versions" | "authorizer">;

/** @param params left out for policies without parameters */
export function activationOf(
  attributes: AdmissionAttributes,
  as: ResourceInfo,
  params: { readonly param: KubeObject | undefined } | undefined,
  { reader, versions, authorizer }: ActivationDeps,
): Activation {
  const { resource, subresource, namespace } = attributes;
  const asking: AskAuthorizer = (question) => answer(question, attributes.user, authorizer);
  const isNamespace = resource.kind === "Namespace" && resource.group === "";
  let objects: ReturnType<typeof shownAs> | undefined;
  const inVersion = () => (objects ??= shownAs(as, attributes, versions));
  return {
    object: () => shown(inVersion().object),
    oldObject: () => shown(inVersion().oldObject),
    request: () => shown(requestFields({ attributes, requested: reviewedKind(resource, subresource), seen: reviewedKind(as, subresource) })),
    namespaceObject: () => (namespace === "" || isNamespace ? null : shown(reader.lookup(NAMESPACES, "", namespace))),
    authorizer: () => authorizerValue(asking),
    "authorizer.requestResource": () =>
      requestResourceValue(asking, { group: resource.group, resource: resource.plural, subresource, namespace, name: attributes.name }),
    ...(params !== undefined && { params: () => shown(params.param) }),
  };
}

/** For selectors the authorizer has no use: it answers for all that they could take. */
function answer(question: AuthorizationQuestion, user: UserInfo, authorizer: Authorizer): { allowed: boolean; reason: string } {
  const { verb, path, group, resource: plural, subresource, namespace, name, serviceAccount } = question;
  const who = serviceAccount === undefined ? user : accountUser(serviceAccount);
  if (path !== undefined) return authorizer.authorize({ user: who, verb, path });
  return authorizer.authorize({ user: who, verb, group, version: "*", plural, subresource, namespace, name });
}

function accountUser({ namespace, name }: { readonly namespace: string; readonly name: string }): UserInfo {
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, AUTHENTICATED];
  return { name: `system:serviceaccount:${namespace}:${name}`, uid: "", groups, extra: {} };
}
