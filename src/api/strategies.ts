import type { KubeObject } from "#apimachinery/object.ts";
import {
  mutatingWebhookStrategy,
  validatingPolicyBindingStrategy,
  validatingPolicyStrategy,
  validatingWebhookStrategy,
} from "#api/admissionregistration-v1/strategy.ts";
import { mutatingPolicyBindingStrategy, mutatingPolicyStrategy } from "#api/admissionregistration-v1beta1/strategy.ts";
import { customResourceDefinitionStrategy } from "#api/apiextensions-v1/strategy.ts";
import { apiServiceStrategy } from "#api/apiregistration-v1/strategy.ts";
import { controllerRevisionStrategy } from "#api/apps-v1/controller-revision.ts";
import { daemonSetStrategy } from "#api/apps-v1/daemon-set.ts";
import { deploymentStrategy } from "#api/apps-v1/deployment.ts";
import { replicaSetStrategy } from "#api/apps-v1/replica-set.ts";
import { statefulSetStrategy } from "#api/apps-v1/stateful-set.ts";
import { autoscalerStrategy } from "#api/autoscaling-v2/strategy.ts";
import { cronJobStrategy } from "#api/batch-v1/cron-job.ts";
import { jobStrategy } from "#api/batch-v1/job.ts";
import { signingRequestStrategy } from "#api/certificates-v1/strategy.ts";
import { leaseStrategy } from "#api/coordination-v1/strategy.ts";
import { configMapStrategy } from "#api/core-v1/config-map/strategy.ts";
import { endpointsStrategy } from "#api/core-v1/endpoints/strategy.ts";
import { eventStrategy } from "#api/core-v1/event/strategy.ts";
import { limitRangeStrategy } from "#api/core-v1/limit-range/strategy.ts";
import { namespaceStrategy } from "#api/core-v1/namespace/strategy.ts";
import { nodeStrategy } from "#api/core-v1/node/strategy.ts";
import { persistentVolumeStrategy } from "#api/core-v1/persistent-volume/strategy.ts";
import { persistentVolumeClaimStrategy } from "#api/core-v1/persistent-volume-claim/strategy.ts";
import { podStrategy } from "#api/core-v1/pod/strategy.ts";
import { podTemplateStrategy } from "#api/core-v1/pod-template/strategy.ts";
import { replicationControllerStrategy } from "#api/core-v1/replication-controller/strategy.ts";
import { resourceQuotaStrategy } from "#api/core-v1/resource-quota/strategy.ts";
import { secretStrategy } from "#api/core-v1/secret/strategy.ts";
import { serviceStrategy } from "#api/core-v1/service/strategy.ts";
import { serviceAccountStrategy } from "#api/core-v1/service-account/strategy.ts";
import { endpointSliceStrategy } from "#api/discovery-v1/strategy.ts";
import { eventStrategy as newEventStrategy } from "#api/events-v1/strategy.ts";
import { flowSchemaStrategy, priorityLevelStrategy } from "#api/flowcontrol-v1/strategy.ts";
import { LEGACY_DEFAULTS } from "#api/legacy/defaults.ts";
import { legacyKey, legacyView } from "#api/legacy/versions.ts";
import { ipAddressStrategy, serviceCIDRStrategy } from "#api/networking-v1/addresses.ts";
import { ingressClassStrategy, ingressStrategy, networkPolicyStrategy } from "#api/networking-v1/strategy.ts";
import { runtimeClassStrategy } from "#api/node-v1/strategy.ts";
import { podDisruptionBudgetStrategy } from "#api/policy-v1/strategy.ts";
import { clusterRoleBindingStrategy, clusterRoleStrategy, roleBindingStrategy, roleStrategy } from "#api/rbac-v1/strategy.ts";
import { deviceClassStrategy, resourceClaimStrategy, resourceClaimTemplateStrategy, resourceSliceStrategy } from "#api/resource-v1/strategy.ts";
import type { ResourceInfo } from "#api/resources.ts";
import { priorityClassStrategy } from "#api/scheduling-v1/strategy.ts";
import {
  csiDriverStrategy,
  csiNodeStrategy,
  csiStorageCapacityStrategy,
  storageClassStrategy,
  volumeAttachmentStrategy,
  volumeAttributesClassStrategy,
} from "#api/storage-v1/strategy.ts";
import type { Strategy } from "#api/strategy.ts";
import { strategyThrough } from "#api/view.ts";

/** The kinds that have rules of their own, by `group/kind`; the core group's name is empty. */
const strategies: Readonly<Record<string, unknown>> = {
  "/ConfigMap": configMapStrategy,
  "/Endpoints": endpointsStrategy,
  "/Event": eventStrategy,
  "/LimitRange": limitRangeStrategy,
  "/Namespace": namespaceStrategy,
  "/Node": nodeStrategy,
  "/PersistentVolume": persistentVolumeStrategy,
  "/PersistentVolumeClaim": persistentVolumeClaimStrategy,
  "/Pod": podStrategy,
  "/PodTemplate": podTemplateStrategy,
  "/ReplicationController": replicationControllerStrategy,
  "/ResourceQuota": resourceQuotaStrategy,
  "/Secret": secretStrategy,
  "/Service": serviceStrategy,
  "/ServiceAccount": serviceAccountStrategy,
  "admissionregistration.k8s.io/MutatingAdmissionPolicy": mutatingPolicyStrategy,
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding": mutatingPolicyBindingStrategy,
  "admissionregistration.k8s.io/MutatingWebhookConfiguration": mutatingWebhookStrategy,
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy": validatingPolicyStrategy,
  "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding": validatingPolicyBindingStrategy,
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration": validatingWebhookStrategy,
  "apiregistration.k8s.io/APIService": apiServiceStrategy,
  "apiextensions.k8s.io/CustomResourceDefinition": customResourceDefinitionStrategy,
  "apps/ControllerRevision": controllerRevisionStrategy,
  "apps/DaemonSet": daemonSetStrategy,
  "apps/Deployment": deploymentStrategy,
  "apps/ReplicaSet": replicaSetStrategy,
  "apps/StatefulSet": statefulSetStrategy,
  "autoscaling/HorizontalPodAutoscaler": autoscalerStrategy,
  "batch/CronJob": cronJobStrategy,
  "batch/Job": jobStrategy,
  "certificates.k8s.io/CertificateSigningRequest": signingRequestStrategy,
  "coordination.k8s.io/Lease": leaseStrategy,
  "discovery.k8s.io/EndpointSlice": endpointSliceStrategy,
  "events.k8s.io/Event": newEventStrategy,
  "flowcontrol.apiserver.k8s.io/FlowSchema": flowSchemaStrategy,
  "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration": priorityLevelStrategy,
  "networking.k8s.io/IPAddress": ipAddressStrategy,
  "networking.k8s.io/Ingress": ingressStrategy,
  "networking.k8s.io/IngressClass": ingressClassStrategy,
  "networking.k8s.io/NetworkPolicy": networkPolicyStrategy,
  "networking.k8s.io/ServiceCIDR": serviceCIDRStrategy,
  "node.k8s.io/RuntimeClass": runtimeClassStrategy,
  "policy/PodDisruptionBudget": podDisruptionBudgetStrategy,
  "rbac.authorization.k8s.io/ClusterRole": clusterRoleStrategy,
  "rbac.authorization.k8s.io/ClusterRoleBinding": clusterRoleBindingStrategy,
  "rbac.authorization.k8s.io/Role": roleStrategy,
  "rbac.authorization.k8s.io/RoleBinding": roleBindingStrategy,
  "resource.k8s.io/DeviceClass": deviceClassStrategy,
  "resource.k8s.io/ResourceClaim": resourceClaimStrategy,
  "resource.k8s.io/ResourceClaimTemplate": resourceClaimTemplateStrategy,
  "resource.k8s.io/ResourceSlice": resourceSliceStrategy,
  "scheduling.k8s.io/PriorityClass": priorityClassStrategy,
  "storage.k8s.io/CSIDriver": csiDriverStrategy,
  "storage.k8s.io/CSINode": csiNodeStrategy,
  "storage.k8s.io/CSIStorageCapacity": csiStorageCapacityStrategy,
  "storage.k8s.io/StorageClass": storageClassStrategy,
  "storage.k8s.io/VolumeAttachment": volumeAttachmentStrategy,
  "storage.k8s.io/VolumeAttributesClass": volumeAttributesClassStrategy,
};

/** @returns the rules of the kind in that version, `undefined` when the schema says all there is to say of it */
export function strategyFor(group: string, kind: string, version?: string): Strategy<KubeObject> | undefined {
  const legacy = version === undefined ? undefined : legacyStrategy({ group, version, kind });
  if (legacy !== undefined) return legacy;
  const key = `${group}/${kind}`;
  return Object.hasOwn(strategies, key) ? (strategies[key] as Strategy) : undefined;
}

function legacyStrategy(info: Pick<ResourceInfo, "group" | "version" | "kind">): Strategy | undefined {
  const view = legacyView(info);
  if (view === undefined) return undefined;
  const rules = strategyFor(view.stored.group, info.kind) ?? {};
  return strategyThrough(view, rules, LEGACY_DEFAULTS[legacyKey(info)] ?? rules.applyDefaults);
}
