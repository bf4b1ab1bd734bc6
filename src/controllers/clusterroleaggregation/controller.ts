import { CLUSTER_ROLES } from "#api/builtin.ts";
import type { ClusterRole } from "#api/rbac-v1/types.ts";
import type { ObjectKey } from "#apimachinery/object.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";

import { reconcileAggregation } from "./aggregate.ts";

const FIELD_MANAGER = "clusterrole-aggregation-controller";
const AGGREGATED = "yes";

/** Fills roles with an aggregation rule (`admin`, `edit`, `view` are such) with the rules of those that they gather. */
export function startClusterRoleAggregation(deps: ControllerDeps): void {
  const aggregated = ({ aggregationRule }: ClusterRole) => (aggregationRule === undefined ? [] : [AGGREGATED]);
  const roles = deps.informers.informer(CLUSTER_ROLES, { aggregated });
  const sync = async (key: ObjectKey) => {
    const role = roles.get(key);
    const rules = role === undefined ? undefined : reconcileAggregation(role, roles.list());
    if (rules === undefined) return;
    const body = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: key }, rules };
    await deps.client.patch(CLUSTER_ROLES, { name: key }, "apply", body, { fieldManager: FIELD_MANAGER, force: true });
  };
  const queue = queueFor(deps, { name: "clusterroleaggregation", sync });
  // Any role may be gathered by any of the few that gather.
  const all = () => {
    for (const { metadata } of roles.byIndex("aggregated", AGGREGATED)) queue.add(metadata.name);
  };
  roles.onChange({ added: all, updated: all, deleted: all });
}
