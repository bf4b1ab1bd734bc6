import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from "#api/admissionregistration-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { StatusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import { activationOf } from "#apiserver/admission/policies/activation.ts";
import { BoundPolicies, type BoundPolicy, type PolicyDeps } from "#apiserver/admission/policies/bound-policies.ts";
import { type CompiledPolicy, compilePolicy, type Findings, validate } from "#apiserver/admission/policies/policy.ts";

type Policies = BoundPolicies<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, CompiledPolicy>;

interface Denial {
  readonly policy: string;
  readonly binding: string | undefined;
  readonly message: string;
  readonly reason: string;
}

const MAX_ANNOTATION_BYTES = 10 * 1024;
const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 };

/** Policies that are bound, ready to be asked. */
export function validatingPolicies(
  policies: readonly ValidatingAdmissionPolicy[],
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  deps: PolicyDeps,
): (attributes: AdmissionAttributes) => void | Promise<void> {
  const bound = new BoundPolicies(policies, bindings, compilePolicy, deps);
  return (attributes) => {
    if (!deps.versions.needsPreparation(attributes.resource)) return enforce(bound, attributes, deps);
    return prepare(bound, attributes, deps).then(() => enforce(bound, attributes, deps));
  };
}

/** What a conversion webhook has to convert is there before policies look at it. */
async function prepare(policies: Policies, attributes: AdmissionAttributes, { versions }: PolicyDeps): Promise<void> {
  const { object, oldObject, resource } = attributes;
  const invocations = policies.concerning(attributes).flatMap((bound) => policies.invocations(bound, attributes));
  const seenAs = new Set(invocations.flatMap((invocation) => ("as" in invocation ? invocation.as : [])));
  for (const as of seenAs) await versions.prepare([object as KubeObject | undefined, oldObject], resource, as);
}

/**
 * Asks all policies that concern the request.
 *
 * @throws {StatusError} for the first refusal
 * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go
 */
function enforce(policies: Policies, attributes: AdmissionAttributes, deps: PolicyDeps): void {
  const [denial] = policies.concerning(attributes).flatMap((bound) => denialsOf(bound, policies, attributes, deps));
  if (denial === undefined) return;
  const { policy, binding, message, reason } = denial;
  const told = `ValidatingAdmissionPolicy '${policy}'${binding === undefined ? "" : ` with binding '${binding}'`} denied request: ${message}`;
  const { status } = forbidden(attributes, told);
  throw new StatusError({ ...status, reason, code: CODES[reason] ?? 422, details: { ...status.details, causes: [{ message: told }] } });
}

function denialsOf(
  bound: BoundPolicy<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, CompiledPolicy>,
  policies: Policies,
  attributes: AdmissionAttributes,
  deps: PolicyDeps,
): Denial[] {
  const { policy, compiled } = bound;
  const annotations = new Map<string, Set<string>>();
  const denials = policies.invocations(bound, attributes).flatMap((invocation): Denial[] => {
    if ("message" in invocation) return compiled.failsOpen ? [] : [{ policy: policy.metadata.name, ...invocation, reason: "Invalid" }];
    const { as, binding, params } = invocation;
    const findings = params.map((param) => validate(compiled, activationOf(attributes, as, policy.spec.paramKind === undefined ? undefined : { param }, deps)));
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
