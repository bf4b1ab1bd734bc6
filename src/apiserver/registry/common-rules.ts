import type { Strategy } from "#api/strategy.ts";

type Selectable = Pick<Strategy, "selectableFields" | "selectableFieldNames" | "unknownField">;
type Rules = Pick<Strategy, "hasGeneration" | "allowUnconditionalUpdate" | "allowCreateOnUpdate" | "defaultDeletion"> & Selectable;

/** @see the Strategy types under kubernetes pkg/registry */
const WITH_GENERATION = [
  "admissionregistration.k8s.io/MutatingAdmissionPolicy",
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
  "admissionregistration.k8s.io/MutatingWebhookConfiguration",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
  "apiextensions.k8s.io/CustomResourceDefinition",
  "batch/CronJob",
  "batch/Job",
  "discovery.k8s.io/EndpointSlice",
  "flowcontrol.apiserver.k8s.io/FlowSchema",
  "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration",
  "networking.k8s.io/Ingress",
  "networking.k8s.io/IngressClass",
  "networking.k8s.io/NetworkPolicy",
  "policy/PodDisruptionBudget",
  "resource.k8s.io/DeviceClass",
  "resource.k8s.io/ResourceSlice",
  "scheduling.k8s.io/PriorityClass",
];

const VERSION_REQUIRED = [
  "admissionregistration.k8s.io/MutatingAdmissionPolicy",
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
  "admissionregistration.k8s.io/MutatingWebhookConfiguration",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
  "apiextensions.k8s.io/CustomResourceDefinition",
  "coordination.k8s.io/Lease",
  "coordination.k8s.io/LeaseCandidate",
  "node.k8s.io/RuntimeClass",
  "policy/PodDisruptionBudget",
  "storage.k8s.io/CSIDriver",
  "storage.k8s.io/CSINode",
  "storage.k8s.io/CSIStorageCapacity",
  "storage.k8s.io/VolumeAttachment",
];

const CREATED_BY_UPDATE = [
  "/Endpoints",
  "/Event",
  "/LimitRange",
  "/Service",
  "coordination.k8s.io/Lease",
  "coordination.k8s.io/LeaseCandidate",
  "events.k8s.io/Event",
  "node.k8s.io/RuntimeClass",
  "rbac.authorization.k8s.io/ClusterRole",
  "rbac.authorization.k8s.io/ClusterRoleBinding",
  "rbac.authorization.k8s.io/Role",
  "rbac.authorization.k8s.io/RoleBinding",
];

const UNSUPPORTED_PROPAGATION = ["/Event", "events.k8s.io/Event"];

const SELECTABLE: Readonly<Record<string, Selectable>> = {
  "certificates.k8s.io/CertificateSigningRequest": selectableBySpec("signerName"),
  "resource.k8s.io/ResourceSlice": {
    ...selectableBySpec("nodeName", "driver"),
    unknownField: (field) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${field}`,
  },
};

function selectableBySpec(...names: readonly string[]): Selectable {
  const valueOf = (object: unknown, name: string) => (object as { readonly spec?: Readonly<Record<string, string>> }).spec?.[name] ?? "";
  return {
    selectableFieldNames: names.map((name) => `spec.${name}`),
    selectableFields: (object) => Object.fromEntries(names.map((name) => [`spec.${name}`, valueOf(object, name)])),
  };
}

/** What a kind has in common with others, for kinds whose own rules do not say otherwise. */
export function commonRules(group: string, kind: string): Rules {
  const key = `${group}/${kind}`;
  return {
    ...(WITH_GENERATION.includes(key) && { hasGeneration: true }),
    ...(VERSION_REQUIRED.includes(key) && { allowUnconditionalUpdate: false }),
    ...(CREATED_BY_UPDATE.includes(key) && { allowCreateOnUpdate: true }),
    ...SELECTABLE[key],
    ...(key === "batch/Job" && { defaultDeletion: "orphan" as const }),
    ...(UNSUPPORTED_PROPAGATION.includes(key) && { defaultDeletion: "unsupported" as const }),
  };
}
