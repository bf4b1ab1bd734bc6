import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from "#api/admissionregistration-v1/types.ts";
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from "#api/admissionregistration-v1beta1/types.ts";
import { builtin, type Resource } from "#api/resources.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import type { PolicyDeps } from "#apiserver/admission/policies/bound-policies.ts";
import type { ObjectReader, ObjectWatcher } from "#apiserver/admission/reader.ts";
import { isExempt } from "#apiserver/admission/webhooks/hook-source.ts";
import { Versions } from "#apiserver/admission/webhooks/versions.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";

const GROUP = "admissionregistration.k8s.io";
const POLICIES = builtin<ValidatingAdmissionPolicy>(GROUP, "v1", "validatingadmissionpolicies");
const BINDINGS = builtin<ValidatingAdmissionPolicyBinding>(GROUP, "v1", "validatingadmissionpolicybindings");
const MUTATING = builtin<MutatingAdmissionPolicy>(GROUP, "v1beta1", "mutatingadmissionpolicies");
const MUTATING_BINDINGS = builtin<MutatingAdmissionPolicyBinding>(GROUP, "v1beta1", "mutatingadmissionpolicybindings");

/** Questions about who may do what: a policy that refused them would lock everybody out. */
const QUESTIONS = new Set([
  "authentication.k8s.io/selfsubjectreviews",
  "authentication.k8s.io/tokenreviews",
  "authorization.k8s.io/localsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectrulesreviews",
  "authorization.k8s.io/subjectaccessreviews",
]);

type Act = (attributes: AdmissionAttributes) => void | Promise<void>;

interface PluginDeps {
  readonly reader: ObjectReader;
  readonly watcher: ObjectWatcher;
  readonly resources: ResourceTable;
  readonly authorizer: Authorizer;
}

/** Rules in the cluster itself that refuse requests. */
export function validatingAdmissionPolicy(deps: PluginDeps): AdmissionPlugin {
  const act = policySource(deps, POLICIES, BINDINGS, async () => (await import("#apiserver/admission/policies/validating-policies.ts")).validatingPolicies);
  return { name: "ValidatingAdmissionPolicy", validate: act };
}

/** Rules in the cluster itself that change requests; they are there where their kinds are served. */
export function mutatingAdmissionPolicy(deps: PluginDeps): AdmissionPlugin {
  const name = "MutatingAdmissionPolicy";
  if (deps.resources.get(MUTATING.group, MUTATING.version, MUTATING.plural) === undefined) return { name, handles: () => false };
  const act = policySource(
    deps,
    MUTATING,
    MUTATING_BINDINGS,
    async () => (await import("#apiserver/admission/policies/mutating-policies.ts")).mutatingPolicies,
  );
  return { name, admit: act };
}

/** Follows policies and their bindings. The language in which they are written is loaded when there are any. */
function policySource<P extends KubeObject, B extends KubeObject>(
  { reader, watcher, resources, authorizer }: PluginDeps,
  policies: Resource<P>,
  bindings: Resource<B>,
  load: () => Promise<(policies: readonly P[], bindings: readonly B[], deps: PolicyDeps) => Act>,
): (attributes: AdmissionAttributes) => Promise<void> | void {
  const deps: PolicyDeps = { reader, resources, authorizer, versions: new Versions(resources) };
  let isEmpty: boolean | undefined;
  let ready: Act | undefined;
  let loading: Promise<Act> | undefined;
  let changes = 0;
  const forget = () => {
    changes++;
    isEmpty = ready = loading = undefined;
  };
  watcher.onChange(policies, forget);
  watcher.onChange(bindings, forget);
  const prepare = async (): Promise<Act> => {
    const bind = await load();
    const seen = changes;
    const made = bind(reader.list(policies, ""), reader.list(bindings, ""), deps);
    if (seen === changes) ready = made;
    return made;
  };
  return (attributes) => {
    isEmpty ??= reader.list(policies, "").length === 0 || reader.list(bindings, "").length === 0;
    if (isEmpty || isExempt(attributes.resource) || QUESTIONS.has(`${attributes.resource.group}/${attributes.resource.plural}`)) return;
    if (ready !== undefined) return ready(attributes);
    return (loading ??= prepare()).then((act) => act(attributes));
  };
}
