import type * as apps from "#api/apps-v1/types.ts";
import { applyTemplateDefaults } from "#api/core-v1/pod-spec/defaults.ts";
import { applyClaimSpecDefaults } from "#api/core-v1/pod-spec/volume-defaults.ts";
import type { Mutable } from "#api/strategy.ts";

const HISTORY_LIMIT = 10;
const PROGRESS_DEADLINE_SECONDS = 600;

/** Where apps/v1 keeps what was a field of a daemon set's spec once. */
export const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";

/** @see kubernetes pkg/apis/apps/v1/defaults.go for all of these */
export function applyDeploymentDefaults({ spec }: Mutable<apps.Deployment>): void {
  if (!spec) return;
  spec.replicas ??= 1;
  const strategy = (spec.strategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const rollingUpdate = (strategy.rollingUpdate ??= {});
    rollingUpdate.maxUnavailable ??= "25%";
    rollingUpdate.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= HISTORY_LIMIT;
  spec.progressDeadlineSeconds ??= PROGRESS_DEADLINE_SECONDS;
  applyTemplateDefaults(spec.template);
}

export function applyReplicaSetDefaults({ spec }: Mutable<apps.ReplicaSet>): void {
  if (!spec) return;
  spec.replicas ??= 1;
  applyTemplateDefaults(spec.template);
}

export function applyDaemonSetDefaults({ metadata, spec }: Mutable<apps.DaemonSet>): void {
  if (!spec) return;
  (metadata.annotations ??= {})[TEMPLATE_GENERATION] ??= "0";
  applyDaemonSetSpecDefaults(spec);
}

export function applyDaemonSetSpecDefaults(spec: Mutable<apps.DaemonSetSpec>): void {
  const strategy = (spec.updateStrategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const rollingUpdate = (strategy.rollingUpdate ??= {});
    rollingUpdate.maxUnavailable ??= 1;
  }
  // Upstream holds these as plain numbers, which are never absent.
  if (strategy.rollingUpdate) {
    strategy.rollingUpdate.maxUnavailable ??= 0;
    strategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= HISTORY_LIMIT;
  applyTemplateDefaults(spec.template);
}

export function applyStatefulSetDefaults({ spec }: Mutable<apps.StatefulSet>): void {
  if (!spec) return;
  spec.podManagementPolicy ||= "OrderedReady";
  applyStatefulUpdateDefaults((spec.updateStrategy ??= {}));
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
  retention.whenDeleted ||= "Retain";
  retention.whenScaled ||= "Retain";
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= HISTORY_LIMIT;
  applyTemplateDefaults(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.kind = "PersistentVolumeClaim";
    claim.apiVersion = "v1";
    claim.status ??= {};
    claim.status.phase ||= "Pending";
    if (claim.spec) applyClaimSpecDefaults(claim.spec);
  }
}

/** The partition is only filled in where a rolling update was spelt out, or nothing at all was said. */
function applyStatefulUpdateDefaults(strategy: Mutable<apps.StatefulSetUpdateStrategy>): void {
  if (!strategy.type) {
    strategy.type = "RollingUpdate";
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === "RollingUpdate" && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0;
}
