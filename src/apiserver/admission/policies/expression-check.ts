import type * as admission from "#api/admissionregistration-v1/types.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import { statusError } from "#apimachinery/status-error.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { sameJson } from "#lib/same-json.ts";

type Configuration = admission.ValidatingWebhookConfiguration | admission.MutatingWebhookConfiguration;

/** A kind whose objects have expressions. */
interface Check {
  /** Where expressions may be: what has not changed was looked at before. `undefined` when there are none. */
  part(object: KubeObject): unknown;
  errors(object: KubeObject): Promise<readonly FieldError[]>;
}

const specOf = (object: KubeObject) => (object as KubeObject & { readonly spec?: unknown }).spec;
const checkBy = <T>(load: () => Promise<(object: T) => readonly FieldError[]>): Check => ({
  part: specOf,
  errors: async (object) => (await load())(object as unknown as T),
});

const webhooks: Check = {
  part(object) {
    const conditions = ((object as unknown as Configuration).webhooks ?? []).flatMap(({ matchConditions = [] }) => matchConditions);
    return conditions.length > 0 ? conditions : undefined;
  },
  async errors(object) {
    const { webhookExpressionErrors } = await import("#api/admissionregistration-v1/validate-expressions.ts");
    return webhookExpressionErrors((object as unknown as Configuration).webhooks ?? []);
  },
};

const CHECKS: Readonly<Record<string, Check>> = {
  "admissionregistration.k8s.io/validatingwebhookconfigurations": webhooks,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": webhooks,
  "admissionregistration.k8s.io/validatingadmissionpolicies": checkBy(
    async () => (await import("#api/admissionregistration-v1/validate-expressions.ts")).policyExpressionErrors,
  ),
  "admissionregistration.k8s.io/mutatingadmissionpolicies": checkBy(
    async () => (await import("#api/admissionregistration-v1beta1/validate-expressions.ts")).mutatingExpressionErrors,
  ),
  "resource.k8s.io/deviceclasses": checkBy(async () => (await import("#api/resource-v1/validate-expressions.ts")).classExpressionErrors),
  "resource.k8s.io/resourceclaims": checkBy(async () => (await import("#api/resource-v1/validate-expressions.ts")).claimExpressionErrors),
  "resource.k8s.io/resourceclaimtemplates": checkBy(async () => (await import("#api/resource-v1/validate-expressions.ts")).templateExpressionErrors),
};

const checkFor = ({ group, plural }: AdmissionAttributes["resource"]): Check | undefined =>
  group === "admissionregistration.k8s.io" || group === "resource.k8s.io" ? CHECKS[`${group}/${plural}`] : undefined;

/**
 * The rest of validation for what has expressions: they have to compile. It stands here and not in the kinds' strategies, as these
 * cannot wait for the language to be loaded.
 */
export const expressionCheck: AdmissionPlugin = {
  name: "ExpressionCheck",
  handles: ({ operation, resource, subresource }) =>
    subresource === "" && (operation === "CREATE" || operation === "UPDATE") && checkFor(resource) !== undefined,
  validate({ resource, object, oldObject }) {
    const check = checkFor(resource);
    const part = object && check?.part(object as KubeObject);
    if (check === undefined || part === undefined || sameJson(part, oldObject && check.part(oldObject))) return;
    return check.errors(object as KubeObject).then((errors) => {
      if (errors.length > 0) throw statusError.invalid({ group: resource.group, kind: resource.kind }, object?.metadata.name ?? "", errors);
    });
  },
};
