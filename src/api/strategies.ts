import type { KubeObject } from "#apimachinery/object.ts";
import { apiServiceStrategy } from "#api/apiregistration-v1/strategy.ts";
import { controllerRevisionStrategy } from "#api/apps-v1/controller-revision.ts";
import { daemonSetStrategy } from "#api/apps-v1/daemon-set.ts";
import { deploymentStrategy } from "#api/apps-v1/deployment.ts";
import { replicaSetStrategy } from "#api/apps-v1/replica-set.ts";
import { statefulSetStrategy } from "#api/apps-v1/stateful-set.ts";
import { namespaceStrategy } from "#api/core-v1/namespace/strategy.ts";
import { podStrategy } from "#api/core-v1/pod/strategy.ts";
import { podTemplateStrategy } from "#api/core-v1/pod-template/strategy.ts";
import { replicationControllerStrategy } from "#api/core-v1/replication-controller/strategy.ts";
import { clusterRoleBindingStrategy, clusterRoleStrategy, roleBindingStrategy, roleStrategy } from "#api/rbac-v1/strategy.ts";
import type { Strategy } from "#api/strategy.ts";

/** The kinds that have rules of their own, by `group/kind`; the core group's name is empty. */
const strategies: Readonly<Record<string, unknown>> = {
  "/Namespace": namespaceStrategy,
  "/Pod": podStrategy,
  "/PodTemplate": podTemplateStrategy,
  "/ReplicationController": replicationControllerStrategy,
  "apiregistration.k8s.io/APIService": apiServiceStrategy,
  "apps/ControllerRevision": controllerRevisionStrategy,
  "apps/DaemonSet": daemonSetStrategy,
  "apps/Deployment": deploymentStrategy,
  "apps/ReplicaSet": replicaSetStrategy,
  "apps/StatefulSet": statefulSetStrategy,
  "rbac.authorization.k8s.io/ClusterRole": clusterRoleStrategy,
  "rbac.authorization.k8s.io/ClusterRoleBinding": clusterRoleBindingStrategy,
  "rbac.authorization.k8s.io/Role": roleStrategy,
  "rbac.authorization.k8s.io/RoleBinding": roleBindingStrategy,
};

/** @returns the kind's own rules, `undefined` when the schema says all there is to say of it */
export function strategyFor(group: string, kind: string): Strategy<KubeObject> | undefined {
  const key = `${group}/${kind}`;
  return Object.hasOwn(strategies, key) ? (strategies[key] as Strategy) : undefined;
}
