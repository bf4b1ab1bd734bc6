import type { ClusterRole, PolicyRule } from "#api/rbac-v1/types.ts";
import { selects } from "#apimachinery/label-selector.ts";
import { sameJson } from "#lib/same-json.ts";

/**
 * The rules that an aggregated role gathers: of all others that one of its selectors takes, in order of selectors and names,
 * each rule once.
 *
 * @returns `undefined` when the role has them, or gathers nothing
 */
export function reconcileAggregation(role: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] | undefined {
  const selectors = role.aggregationRule?.clusterRoleSelectors;
  if (selectors === undefined) return undefined;
  const others = all.filter(({ metadata }) => metadata.name !== role.metadata.name).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const rules: PolicyRule[] = [];
  for (const selector of selectors) {
    for (const other of others) {
      if (!selects(selector, other.metadata.labels)) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => sameJson(known, rule))) rules.push(rule);
    }
  }
  return sameJson(rules, role.rules ?? []) ? undefined : rules;
}
