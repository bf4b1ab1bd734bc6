import type {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from "#api/admissionregistration-v1/types.ts";
import type { MutatingAdmissionPolicy } from "#api/admissionregistration-v1beta1/types.ts";
import type { APIService } from "#api/apiregistration-v1/types.ts";
import type { StorageVersion } from "#api/apiserverinternal-v1alpha1/types.ts";
import type { CertificateSigningRequest } from "#api/certificates-v1/types.ts";
import type { ClusterTrustBundle, PodCertificateRequest } from "#api/certificates-v1beta1/types.ts";
import type { FlowSchema, PriorityLevelConfiguration } from "#api/flowcontrol-v1/types.ts";
import type { RuntimeClass } from "#api/node-v1/types.ts";
import type { ClusterRoleBinding, RoleBinding } from "#api/rbac-v1/types.ts";
import type { PriorityClass } from "#api/scheduling-v1/types.ts";
import type { StorageVersionMigration } from "#api/storagemigration-v1beta1/types.ts";
import { ageOf, firstFew, humanDuration, labelMap, NONE, printer, selectorText, UNSET, type Cell, type Printers } from "#apiserver/tables/cells.ts";

type ParamKind = { readonly apiVersion?: string | undefined; readonly kind?: string | undefined } | undefined;
const paramKind = (param: ParamKind) => (param === undefined ? UNSET : `${param.apiVersion ?? ""}/${param.kind ?? ""}`);

export const policyPrinters: Printers = {
  "rbac.authorization.k8s.io/RoleBinding": printer<RoleBinding>(bindingCells),
  "rbac.authorization.k8s.io/ClusterRoleBinding": printer<ClusterRoleBinding>(bindingCells),
  "certificates.k8s.io/CertificateSigningRequest": printer<CertificateSigningRequest>((request, now) => [
    request.metadata.name,
    ageOf(request, now),
    request.spec?.signerName || NONE,
    request.spec?.username ?? "",
    request.spec?.expirationSeconds === undefined ? NONE : humanDuration(request.spec.expirationSeconds * 1000),
    requestCondition(request),
  ]),
  "certificates.k8s.io/ClusterTrustBundle": printer<ClusterTrustBundle>(({ metadata, spec }) => [metadata.name, spec?.signerName || NONE]),
  "certificates.k8s.io/PodCertificateRequest": printer<PodCertificateRequest>(({ metadata, spec, status }) => [
    metadata.name,
    spec?.podName ?? "",
    spec?.serviceAccountName ?? "",
    spec?.nodeName ?? "",
    spec?.signerName ?? "",
    lastOf(
      status?.conditions?.map(({ type }) => type),
      ["Issued", "Denied", "Failed"],
    ) ?? "Pending",
    labelMap(spec?.unverifiedUserAnnotations),
  ]),
  "scheduling.k8s.io/PriorityClass": printer<PriorityClass>((priority, now) => [
    priority.metadata.name,
    priority.value ?? 0,
    priority.globalDefault ?? false,
    ageOf(priority, now),
    priority.preemptionPolicy ?? "",
  ]),
  "scheduling.k8s.io/Workload": printer((workload, now) => [workload.metadata.name, ageOf(workload, now)]),
  "node.k8s.io/RuntimeClass": printer<RuntimeClass>((runtime, now) => [runtime.metadata.name, runtime.handler, ageOf(runtime, now)]),
  "admissionregistration.k8s.io/MutatingWebhookConfiguration": printer<MutatingWebhookConfiguration>(webhookCells),
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration": printer<ValidatingWebhookConfiguration>(webhookCells),
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy": printer<ValidatingAdmissionPolicy>((policy, now) => [
    policy.metadata.name,
    policy.spec?.validations?.length ?? 0,
    paramKind(policy.spec?.paramKind),
    ageOf(policy, now),
  ]),
  "admissionregistration.k8s.io/MutatingAdmissionPolicy": printer<MutatingAdmissionPolicy>((policy, now) => [
    policy.metadata.name,
    policy.spec?.mutations?.length ?? 0,
    paramKind(policy.spec?.paramKind),
    ageOf(policy, now),
  ]),
  "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding": printer<ValidatingAdmissionPolicyBinding>(policyBindingCells),
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding": printer<ValidatingAdmissionPolicyBinding>(policyBindingCells),
  "flowcontrol.apiserver.k8s.io/FlowSchema": printer<FlowSchema>((schema, now) => [
    schema.metadata.name,
    schema.spec?.priorityLevelConfiguration?.name ?? "",
    schema.spec?.matchingPrecedence ?? 0,
    schema.spec?.distinguisherMethod?.type ?? NONE,
    ageOf(schema, now),
    schema.status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?",
  ]),
  "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration": printer<PriorityLevelConfiguration>((level, now) => {
    const limited = level.spec?.limited;
    const queuing = limited?.limitResponse?.queuing;
    const cells: Cell[] = [limited?.nominalConcurrencyShares ?? NONE, queuing?.queues ?? NONE, queuing?.handSize ?? NONE, queuing?.queueLengthLimit ?? NONE];
    return [level.metadata.name, level.spec?.type ?? "", ...cells, ageOf(level, now)];
  }),
  "internal.apiserver.k8s.io/StorageVersion": printer<StorageVersion>((version, now) => [
    version.metadata.name,
    version.status?.commonEncodingVersion ?? UNSET,
    firstFew(
      (version.status?.storageVersions ?? []).map(({ apiServerID, encodingVersion }) => `${apiServerID}=${encodingVersion}`),
      3,
    ) || UNSET,
    ageOf(version, now),
  ]),
  "apiregistration.k8s.io/APIService": printer<APIService>((service, now) => {
    const target = service.spec?.service;
    const available = service.status?.conditions?.find(({ type }) => type === "Available");
    const reason = available?.status !== "True" && available?.reason ? ` (${available.reason})` : "";
    return [
      service.metadata.name,
      target === undefined ? "Local" : `${target.namespace}/${target.name}`,
      available === undefined ? "Unknown" : `${available.status}${reason}`,
      ageOf(service, now),
    ];
  }),
  "storagemigration.k8s.io/StorageVersionMigration": printer<StorageVersionMigration>(({ metadata, spec, status }) => {
    const { group, resource } = (spec?.resource ?? {}) as { group?: string; resource?: string };
    const active = (status?.conditions ?? []).filter((condition) => condition.status === "True").map(({ type }) => type);
    return [metadata.name, group ? `${resource}.${group}` : (resource ?? ""), lastOf(active, ["Running", "Failed", "Succeeded"]) ?? "Unknown"];
  }),
};

function bindingCells(binding: RoleBinding | ClusterRoleBinding, nowMs: number): Cell[] {
  const { roleRef, subjects = [] } = binding;
  const named = (kind: string) => subjects.filter((subject) => subject.kind === kind);
  return [
    binding.metadata.name,
    `${roleRef.kind}/${roleRef.name}`,
    ageOf(binding, nowMs),
    named("User")
      .map(({ name }) => name)
      .join(", "),
    named("Group")
      .map(({ name }) => name)
      .join(", "),
    named("ServiceAccount")
      .map(({ namespace, name }) => (namespace ? `${namespace}/${name}` : name))
      .join(", "),
  ];
}

function requestCondition({ status }: CertificateSigningRequest): string {
  const has = (type: string) => status?.conditions?.some((condition) => condition.type === type) ?? false;
  const decided = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return [decided, ...(has("Failed") ? ["Failed"] : []), ...(status?.certificate ? ["Issued"] : [])].join(",");
}

function webhookCells(configuration: MutatingWebhookConfiguration | ValidatingWebhookConfiguration, nowMs: number): Cell[] {
  return [configuration.metadata.name, configuration.webhooks?.length ?? 0, ageOf(configuration, nowMs)];
}

function policyBindingCells(binding: ValidatingAdmissionPolicyBinding, nowMs: number): Cell[] {
  const param = binding.spec?.paramRef;
  let text = UNSET;
  if (param?.name) text = `${param.namespace || "*"}/${param.name}`;
  else if (param?.selector !== undefined) text = selectorText(param.selector);
  return [binding.metadata.name, binding.spec?.policyName ?? "", text, ageOf(binding, nowMs)];
}

const lastOf = (types: readonly string[] | undefined, known: readonly string[]) => types?.findLast((type) => known.includes(type));
