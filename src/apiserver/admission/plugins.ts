import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { defaultIngressClass, defaultStorageClass } from "#apiserver/admission/plugins/default-class.ts";
import { defaultTolerationSeconds } from "#apiserver/admission/plugins/default-toleration-seconds.ts";
import { deviceAdminAccess } from "#apiserver/admission/plugins/device-admin-access.ts";
import { limitRanger } from "#apiserver/admission/plugins/limit-ranger.ts";
import { namespaceLifecycle } from "#apiserver/admission/plugins/namespace-lifecycle.ts";
import { nodeRestriction } from "#apiserver/admission/plugins/node-restriction.ts";
import { persistentVolumeClaimResize } from "#apiserver/admission/plugins/persistent-volume-claim-resize.ts";
import { podTopologyLabels } from "#apiserver/admission/plugins/pod-topology-labels.ts";
import { priorityAdmission } from "#apiserver/admission/plugins/priority.ts";
import { runtimeClassAdmission } from "#apiserver/admission/plugins/runtime-class.ts";
import { serviceAccountAdmission, type ServiceAccountDeps } from "#apiserver/admission/plugins/service-account.ts";
import { storageObjectInUseProtection } from "#apiserver/admission/plugins/storage-object-in-use-protection.ts";
import { taintNodesByCondition } from "#apiserver/admission/plugins/taint-nodes-by-condition.ts";
import { certificateApproval, certificateSigning, certificateSubjectRestriction, clusterTrustBundleAttest } from "#apiserver/admission/plugins/certificates.ts";
import { podSecurity } from "#apiserver/admission/pod-security/pod-security.ts";
import { expressionCheck } from "#apiserver/admission/policies/expression-check.ts";
import { paramAccess } from "#apiserver/admission/policies/param-access.ts";
import { mutatingAdmissionPolicy, validatingAdmissionPolicy } from "#apiserver/admission/policies/policies.ts";
import { type QuotaDeps, resourceQuotaAdmission } from "#apiserver/admission/quota/resource-quota.ts";
import { type WebhookDeps, webhookPlugins } from "#apiserver/admission/webhooks/webhooks.ts";
import type { Authorizer } from "#apiserver/authz/authorizer.ts";

export interface AdmissionDeps extends ServiceAccountDeps, QuotaDeps, WebhookDeps {
  readonly authorizer: Authorizer;
}

/**
 * The checks that every API server makes, in upstream's order.
 *
 * @see kubernetes pkg/kubeapiserver/options/plugins.go
 */
export function admissionPlugins(deps: AdmissionDeps): AdmissionPlugin[] {
  const { reader, authorizer } = deps;
  const webhooks = webhookPlugins(deps);
  return [
    deviceAdminAccess(reader),
    namespaceLifecycle(reader),
    limitRanger(reader),
    serviceAccountAdmission(deps),
    nodeRestriction(reader, authorizer),
    taintNodesByCondition,
    podSecurity(reader),
    priorityAdmission(reader),
    defaultTolerationSeconds,
    defaultStorageClass(reader),
    storageObjectInUseProtection,
    persistentVolumeClaimResize(reader),
    runtimeClassAdmission(reader),
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    clusterTrustBundleAttest(authorizer),
    certificateSubjectRestriction,
    defaultIngressClass(reader),
    podTopologyLabels(reader),
    expressionCheck,
    paramAccess(deps),
    mutatingAdmissionPolicy(deps),
    webhooks.mutating,
    validatingAdmissionPolicy(deps),
    webhooks.validating,
    resourceQuotaAdmission(deps),
  ];
}
