import type * as apps from "#api/apps-v1/types.ts";
import { applyPodSpecDefaults } from "#api/core-v1/pod-spec/defaults.ts";
import { applyClaimSpecDefaults } from "#api/core-v1/pod-spec/volume-defaults.ts";
import type { Mutable } from "#api/strategy.ts";

const HISTORY_LIMIT = 10;
const PROGRESS_DEADLINE_SECONDS = 600;

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
  if (spec.template?.spec) applyPodSpecDefaults(spec.template.spec);
}

export function applyReplicaSetDefaults({ spec }: Mutable<apps.ReplicaSet>): void {
  if (!spec) return;
  spec.replicas ??= 1;
  if (spec.template?.spec) applyPodSpecDefaults(spec.template.spec);
}

export function applyDaemonSetDefaults({ spec }: Mutable<apps.DaemonSet>): void {
  if (!spec) return;
  const strategy = (spec.updateStrategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const rollingUpdate = (strategy.rollingUpdate ??= {});
    rollingUpdate.maxUnavailable ??= 1;
    rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= HISTORY_LIMIT;
  if (spec.template?.spec) applyPodSpecDefaults(spec.template.spec);
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
  if (spec.template?.spec) applyPodSpecDefaults(spec.template.spec);
  for (const claim of spec.volumeClaimTemplates ?? []) {
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
