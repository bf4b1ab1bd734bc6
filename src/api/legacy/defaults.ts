import { applyDaemonSetSpecDefaults, applyDeploymentDefaults, applyReplicaSetDefaults, applyStatefulSetDefaults } from "#api/apps-v1/defaults.ts";
import type * as apps from "#api/apps-v1/types.ts";
import type * as older from "#api/extensions-v1beta1/types.ts";
import { applyNetworkPolicyDefaults } from "#api/networking-v1/defaults.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import type { LabelSelector, ObjectMeta } from "#apimachinery/meta-v1/types.ts";

/** As good as unlimited: upstream's controllers take it for none. */
const MAX_INT32 = 2 ** 31 - 1;
const HISTORY_LIMIT_OF_BETA1 = 2;

/**
 * Defaults of the old versions, by `group/version kind`, where they are not those of the stored version.
 *
 * @see kubernetes pkg/apis/apps/v1beta1/defaults.go, pkg/apis/extensions/v1beta1/defaults.go
 */
export const LEGACY_DEFAULTS: Readonly<Record<string, Strategy["applyDefaults"]>> = {
  "apps/v1beta1 Deployment": of<apps.Deployment>((deployment) => {
    labelByTemplate(deployment);
    if (deployment.spec) deployment.spec.revisionHistoryLimit ??= HISTORY_LIMIT_OF_BETA1;
    applyDeploymentDefaults(deployment);
  }),
  "apps/v1beta1 StatefulSet": of<apps.StatefulSet>((set) => {
    labelByTemplate(set);
    if (set.spec) (set.spec.updateStrategy ??= {}).type ||= "OnDelete";
    applyStatefulSetDefaults(set);
  }),
  "extensions/v1beta1 Deployment": of<apps.Deployment>(applyOldDeploymentDefaults),
  "extensions/v1beta1 DaemonSet": of<apps.DaemonSet>((set) => {
    labelByTemplate(set);
    if (!set.spec) return;
    (set.spec.updateStrategy ??= {}).type ||= "OnDelete";
    applyDaemonSetSpecDefaults(set.spec);
  }),
  "extensions/v1beta1 ReplicaSet": of<apps.ReplicaSet>((set) => {
    labelByTemplate(set);
    applyReplicaSetDefaults(set);
  }),
  "extensions/v1beta1 Ingress": of<older.Ingress>(({ spec }) => {
    for (const { http } of spec?.rules ?? []) for (const path of http?.paths ?? []) path.pathType ??= "ImplementationSpecific";
  }),
  "extensions/v1beta1 NetworkPolicy": of(applyNetworkPolicyDefaults),
};

function of<T>(apply: (object: Mutable<T>) => void): Strategy["applyDefaults"] {
  return apply as unknown as Strategy["applyDefaults"];
}

function applyOldDeploymentDefaults(deployment: Mutable<apps.Deployment>): void {
  labelByTemplate(deployment);
  const { spec } = deployment;
  if (!spec) return;
  const strategy = (spec.strategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate" || strategy.rollingUpdate) {
    const rollingUpdate = (strategy.rollingUpdate ??= {});
    rollingUpdate.maxUnavailable ??= 1;
    rollingUpdate.maxSurge ??= 1;
  }
  spec.progressDeadlineSeconds ??= MAX_INT32;
  spec.revisionHistoryLimit ??= MAX_INT32;
  applyDeploymentDefaults(deployment);
}

interface Labelled {
  metadata: Pick<Mutable<ObjectMeta>, "labels">;
  spec?: { selector?: Mutable<LabelSelector> | undefined; template?: { metadata?: Pick<Mutable<ObjectMeta>, "labels"> | undefined } };
}

/** Labels of the pods are the selector, and the labels of the whole, where nothing is said of them. */
function labelByTemplate(object: object): void {
  const { metadata, spec } = object as Labelled;
  const labels = spec?.template?.metadata?.labels;
  if (!labels) return;
  spec!.selector ??= { matchLabels: { ...labels } };
  if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
}
