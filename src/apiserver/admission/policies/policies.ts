import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from "#api/admissionregistration-v1/types.ts";
import { builtin } from "#api/resources.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import type { PolicyDeps } from "#apiserver/admission/policies/validating-policies.ts";
import type { ObjectReader, ObjectWatcher } from "#apiserver/admission/reader.ts";
import { isExempt } from "#apiserver/admission/webhooks/hook-source.ts";
import { Versions } from "#apiserver/admission/webhooks/versions.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";
import type { ResourceTable } from "#apiserver/registry/resource-table.ts";

const GROUP = "admissionregistration.k8s.io";
const POLICIES = builtin<ValidatingAdmissionPolicy>(GROUP, "v1", "validatingadmissionpolicies");
const BINDINGS = builtin<ValidatingAdmissionPolicyBinding>(GROUP, "v1", "validatingadmissionpolicybindings");

/** Questions about who may do what: a policy that refused them would lock everybody out. */
const QUESTIONS = new Set([
  "authentication.k8s.io/selfsubjectreviews",
  "authentication.k8s.io/tokenreviews",
  "authorization.k8s.io/localsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectaccessreviews",
  "authorization.k8s.io/selfsubjectrulesreviews",
  "authorization.k8s.io/subjectaccessreviews",
]);

type Enforcer = (attributes: AdmissionAttributes) => void;

/** Rules in the cluster itself that refuse requests. The language in which they are written is loaded when there are any. */
export function validatingAdmissionPolicy({
  reader,
  watcher,
  resources,
  authorizer,
}: {
  readonly reader: ObjectReader;
  readonly watcher: ObjectWatcher;
  readonly resources: ResourceTable;
  readonly authorizer: Authorizer;
}): AdmissionPlugin {
  const deps: PolicyDeps = { reader, resources, authorizer, versions: new Versions(resources) };
  let isEmpty: boolean | undefined;
  let enforcer: Enforcer | undefined;
  let loading: Promise<Enforcer> | undefined;
  let changes = 0;
  const forget = () => {
    changes++;
    isEmpty = enforcer = loading = undefined;
  };
  watcher.onChange(POLICIES, forget);
  watcher.onChange(BINDINGS, forget);
  const load = async (): Promise<Enforcer> => {
    const { boundPolicies, enforce } = await import("#apiserver/admission/policies/validating-policies.ts");
    const seen = changes;
    const bound = boundPolicies(reader.list(POLICIES, ""), reader.list(BINDINGS, ""));
    const made: Enforcer = (attributes) => enforce(bound, attributes, deps);
    if (seen === changes) enforcer = made;
    return made;
  };
  return {
    name: "ValidatingAdmissionPolicy",
    validate(attributes) {
      isEmpty ??= reader.list(POLICIES, "").length === 0 || reader.list(BINDINGS, "").length === 0;
      if (isEmpty || isExempt(attributes.resource) || QUESTIONS.has(`${attributes.resource.group}/${attributes.resource.plural}`)) return;
      if (enforcer !== undefined) return enforcer(attributes);
      return (loading ??= load()).then((made) => made(attributes));
    },
  };
}
