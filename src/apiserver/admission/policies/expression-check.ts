import type * as admission from "#api/admissionregistration-v1/types.ts";
import type { MutatingAdmissionPolicy } from "#api/admissionregistration-v1beta1/types.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { targets } from "#apiserver/admission/plugins/attributes.ts";
import { sameJson } from "#lib/same-json.ts";

const GROUP = "admissionregistration.k8s.io";
const POLICIES = "validatingadmissionpolicies";
const MUTATING = "mutatingadmissionpolicies";
const WEBHOOKS = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"];

type Configuration = admission.ValidatingWebhookConfiguration | admission.MutatingWebhookConfiguration;

/**
 * The rest of validation for policies and webhooks: their expressions have to compile. It stands here and not in the kinds' strategies,
 * as these cannot wait for the language to be loaded.
 */
export const expressionCheck: AdmissionPlugin = {
  name: "ExpressionCheck",
  handles: (target) => [POLICIES, MUTATING, ...WEBHOOKS].some((plural) => targets(target, GROUP, plural, "CREATE", "UPDATE")),
  validate(attributes) {
    if (!hasNews(attributes)) return;
    return errorsOf(attributes).then((errors) => {
      const { resource, object } = attributes;
      if (errors.length > 0) throw statusError.invalid({ group: GROUP, kind: resource.kind }, object?.metadata.name ?? "", errors);
    });
  },
};

async function errorsOf({ resource, object }: AdmissionAttributes): Promise<readonly FieldError[]> {
  if (resource.plural === MUTATING) {
    const { mutatingExpressionErrors } = await import("#api/admissionregistration-v1beta1/validate-expressions.ts");
    return mutatingExpressionErrors(object as unknown as MutatingAdmissionPolicy);
  }
  const { policyExpressionErrors, webhookExpressionErrors } = await import("#api/admissionregistration-v1/validate-expressions.ts");
  if (resource.plural === POLICIES) return policyExpressionErrors(object as unknown as admission.ValidatingAdmissionPolicy);
  return webhookExpressionErrors((object as unknown as Configuration).webhooks ?? []);
}

/** Whether there are expressions that have not been looked at. */
function hasNews({ resource, object, oldObject }: AdmissionAttributes): boolean {
  if (resource.plural === POLICIES || resource.plural === MUTATING) {
    const [next, old] = [object, oldObject] as unknown as readonly { readonly spec?: unknown }[];
    return !sameJson(next?.spec, old?.spec);
  }
  const conditions = (configuration: unknown) =>
    ((configuration as Configuration | undefined)?.webhooks ?? []).flatMap(({ matchConditions = [] }) => matchConditions);
  const asked = conditions(object);
  return asked.length > 0 && !sameJson(asked, conditions(oldObject));
}
