import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from "#api/admissionregistration-v1beta1/types.ts";
import { NAMESPACES } from "#api/builtin.ts";
import type { ResourceInfo } from "#api/resources.ts";
import { type JsonObject, plainCopy } from "#apimachinery/decode/own.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError, StatusError } from "#apimachinery/status-error.ts";
import { type AdmissionAttributes, type Passes, Reinvocation } from "#apiserver/admission/admission.ts";
import { forbidden } from "#apiserver/admission/plugins/attributes.ts";
import { activationOf } from "#apiserver/admission/policies/activation.ts";
import { BoundPolicies, type BoundPolicy, type Invocation, type PolicyDeps } from "#apiserver/admission/policies/bound-policies.ts";
import { isClusterWide } from "#apiserver/admission/policies/matching.ts";
import { type CompiledMutations, compileMutations, isMeant, mutated } from "#apiserver/admission/policies/mutations.ts";
import { MutationFault } from "#apiserver/admission/policies/patch-values.ts";
import { shownAs } from "#apiserver/admission/webhooks/dispatch.ts";
import { decodeChanged, replaceObject } from "#apiserver/admission/webhooks/changed-object.ts";
import { sameJson } from "#lib/same-json.ts";

type Bound = BoundPolicy<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, CompiledMutations>;
type Policies = BoundPolicies<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, CompiledMutations>;

interface Refusal {
  readonly message: string;
  readonly reason?: string;
}

/** Policies that are bound, ready to change requests. */
export function mutatingPolicies(
  policies: readonly MutatingAdmissionPolicy[],
  bindings: readonly MutatingAdmissionPolicyBinding[],
  deps: PolicyDeps,
): (attributes: AdmissionAttributes) => void {
  const bound = new BoundPolicies(policies, bindings, compileMutations, deps);
  return (attributes) => mutate(bound, attributes, deps);
}

/**
 * Lets all policies that concern the request change it, one after another.
 *
 * @throws {StatusError} when one of them cannot, and has to
 * @see kubernetes staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/mutating/dispatcher.go
 */
function mutate(policies: Policies, attributes: AdmissionAttributes, deps: PolicyDeps): void {
  const concerning = policies.concerning(attributes);
  if (concerning.length === 0) return;
  const asked = concerning.flatMap((bound) => policies.invocations(bound, attributes).map((invocation) => ({ bound, invocation })));
  if (asked.length === 0) return;
  const refusals: Refusal[] = [];
  const refuse = ({ policy, compiled }: Bound, binding: string | undefined, message: string, reason?: string) => {
    if (compiled.failsOpen) return;
    const { name } = policy.metadata;
    const who = binding === undefined ? JSON.stringify(name) : `'${name}' with binding '${binding}'`;
    refusals.push({ message: `policy ${who} denied request: ${message}`, ...(reason !== undefined && { reason }) });
  };
  const invocations: { readonly bound: Bound; readonly invocation: Invocation<MutatingAdmissionPolicyBinding> }[] = [];
  for (const { bound, invocation } of asked) {
    if ("message" in invocation) refuse(bound, invocation.binding, invocation.message);
    else invocations.push({ bound, invocation });
  }
  if (invocations.length > 0) {
    checkNamespace(attributes, deps);
    const passes = (attributes.reinvocation ??= new Reinvocation()).of("policies");
    passes.begin(attributes.object);
    let hasMutated = false;
    for (const { bound, invocation } of invocations) {
      for (const param of invocation.params) {
        const fault = (message: string) => refuse(bound, invocation.binding.metadata.name, message, "Invalid");
        hasMutated = invoke(bound, invocation, param, attributes, passes, deps, fault) || hasMutated;
      }
    }
    // As upstream has it: what was written back counts as changed, even where it is as before.
    passes.end(attributes.object, hasMutated);
  }
  if (refusals.length > 0) throw denied(attributes, refusals);
}

function denied(attributes: AdmissionAttributes, refusals: readonly Refusal[]): StatusError {
  const [first] = refusals;
  const { status } = forbidden(attributes, "");
  const causes = refusals.map(({ message }) => ({ message }));
  return new StatusError({
    ...status,
    message: first!.message,
    ...(first!.reason !== undefined && { reason: first!.reason }),
    details: { ...status.details, causes },
  });
}

function checkNamespace(attributes: AdmissionAttributes, { reader }: PolicyDeps): void {
  const { namespace } = attributes;
  if (isClusterWide(attributes) || reader.lookup(NAMESPACES, "", namespace) !== undefined) return;
  throw statusError.notFound({ group: "", resource: "namespaces" }, namespace);
}

/** @returns whether a mutation was made, be it one that changes nothing */
function invoke(
  { policy, compiled }: Bound,
  { binding, as }: Invocation<MutatingAdmissionPolicyBinding>,
  param: KubeObject | undefined,
  attributes: AdmissionAttributes,
  passes: Passes,
  deps: PolicyDeps,
  fault: (message: string) => void,
): boolean {
  const params = policy.spec.paramKind === undefined ? undefined : { param };
  const faulty = (run: () => boolean): boolean => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof MutationFault)) throw error;
      fault(error.message);
      return false;
    }
  };
  if (!faulty(() => isMeant(compiled, activationOf(attributes, as, params, deps)))) return false;
  const id = `${policy.metadata.name}/${binding.metadata.name}/${param?.metadata.namespace ?? ""}/${param?.metadata.name ?? ""}`;
  if (!passes.includes(id)) return false;
  const before = structuredClone(attributes.object);
  let hasMutated = false;
  for (const mutation of compiled.mutations) {
    if (attributes.object === undefined) break;
    hasMutated =
      faulty(() => {
        const { seen, decodes } = seenBy(as, attributes, deps);
        const next = mutated(compiled, mutation, seen, decodes.schema, activationOf(attributes, as, params, deps));
        replaceObject(attributes, as, decodeChanged(next, decodes), deps.versions);
        return true;
      }) || hasMutated;
  }
  passes.asked(id, { changed: !sameJson(before, attributes.object), again: compiled.isReinvoked });
  return hasMutated;
}

/** The object as plain JSON in the version that the policy asks for, and how such are decoded. */
function seenBy(as: ResourceInfo, attributes: AdmissionAttributes, { versions }: PolicyDeps) {
  const { object } = shownAs(as, attributes, versions);
  const decodes = versions.decodable(attributes, as);
  if (decodes === undefined) {
    throw statusError.internal(new Error(`objects of ${as.plural} cannot be decoded`));
  }
  return { seen: plainCopy(object) as JsonObject, decodes };
}
