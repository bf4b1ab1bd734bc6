import type { ParamKind, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyStatus } from "#api/admissionregistration-v1/types.ts";
import type { CustomResourceDefinition } from "#api/apiextensions-v1/types.ts";
import { apiVersionOf, builtin, resourceInfo, type Resource } from "#api/resources.ts";
import { kindSchema } from "#api/schema/table.ts";
import type { ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { JsonSchema } from "#apimachinery/structural/json-schema.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import type { KindSchema } from "#controllers/policystatus/kind-types.ts";
import { kindsToCheck, nameOf } from "#controllers/policystatus/kinds.ts";
import type { CheckedKind } from "#controllers/policystatus/type-check.ts";

const POLICIES = builtin<ValidatingAdmissionPolicy>("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies");
const DEFINITIONS = builtin<CustomResourceDefinition>("apiextensions.k8s.io", "v1", "customresourcedefinitions");
const MANAGER = "validatingadmissionpolicy-status";

/**
 * Says in the status of policies where their expressions do not go with the kinds that they are about. The language is loaded with the
 * first policy.
 *
 * @param resources every resource that is served, custom ones included
 */
export function startPolicyStatus(deps: ControllerDeps, resources: () => readonly Resource[]): void {
  const policies = deps.informers.informer(POLICIES);
  const sync = async (key: ObjectKey) => {
    const policy = policies.get(key);
    if (policy === undefined || isChecked(policy)) return;
    const { name, generation: observedGeneration = 0 } = policy.metadata;
    const expressionWarnings = await warningsOf(policy, resources(), deps);
    const status: ValidatingAdmissionPolicyStatus = { observedGeneration, typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {} };
    const body = { apiVersion: apiVersionOf(POLICIES), kind: POLICIES.kind, metadata: { name }, status };
    await deps.client.patch(POLICIES, { name }, "apply", body, { subresource: "status", fieldManager: MANAGER, force: true }).catch(ignoreNotFound);
  };
  const queue = queueFor(deps, { name: MANAGER, sync });
  const enqueue = (policy: ValidatingAdmissionPolicy) => {
    if (!isChecked(policy)) queue.add(policy.metadata.name);
  };
  policies.onChange({ added: enqueue, updated: enqueue });
}

const isChecked = ({ metadata, status }: ValidatingAdmissionPolicy) => (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0);

async function warningsOf(policy: ValidatingAdmissionPolicy, served: readonly Resource[], deps: ControllerDeps) {
  const kinds: CheckedKind[] = [];
  for (const resource of kindsToCheck(policy, served)) {
    const schema = await schemaOf(resource, deps);
    if (schema !== undefined) kinds.push({ name: nameOf(resource), schema });
  }
  const params = paramResource(policy.spec.paramKind, served);
  const { typeWarnings } = await import("#controllers/policystatus/type-check.ts");
  return typeWarnings(policy, kinds, params && (await schemaOf(params, deps)));
}

function paramResource(kind: ParamKind | undefined, served: readonly Resource[]): Resource | undefined {
  return kind && served.find((each) => each.kind === kind.kind && apiVersionOf(each) === kind.apiVersion);
}

/** A kind that nobody describes is left out. */
async function schemaOf({ group, version, plural, kind }: Resource, { client }: ControllerDeps): Promise<KindSchema | undefined> {
  const known = resourceInfo(group, version, plural) && kindSchema(group, version, kind);
  if (known !== undefined) return { builtin: known };
  try {
    const { spec } = await client.get(DEFINITIONS, { name: `${plural}.${group}` });
    const schema = spec.versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema;
    return schema && { custom: schema as JsonSchema };
  } catch (error) {
    if (isStatus(error, "NotFound")) return undefined;
    throw error;
  }
}
