import { amountsOf, sameList } from "#api/core-v1/resource-quota/amounts.ts";
import { type Quantities, type ResourceList, resourceListOf } from "#api/core-v1/pod-spec/resource-list.ts";
import type { ResourceQuota, ResourceQuotaStatus } from "#api/core-v1/types.ts";

/**
 * The status that a quota ought to have; `undefined` when it has it. What is not known stays as it was.
 *
 * @see kubernetes pkg/controller/resourcequota/resource_quota_controller.go syncResourceQuota
 */
export function quotaStatus({ spec, status }: ResourceQuota, usage: Quantities): ResourceQuotaStatus | undefined {
  const hard = spec?.hard ?? {};
  const known = new Map([...amountsOf(status?.used), ...usage]);
  const used = sorted(resourceListOf(new Map([...known].filter(([name]) => hard[name] !== undefined))));
  const isSettled = sameList(status?.hard, hard) && sameList(status?.used, used) && (Object.keys(hard).length === 0 || status?.used !== undefined);
  return isSettled ? undefined : { hard: sorted(resourceListOf(amountsOf(hard))), used };
}

/**
 * Whether a quota holds nobody yet: its limits are new, or admission refuses for want of a figure that `isCountable`. Such ones come first.
 *
 * @see kubernetes pkg/controller/resourcequota/resource_quota_controller.go addQuota
 */
export function isUncounted({ spec, status }: ResourceQuota, isCountable: (name: string) => boolean): boolean {
  if (!sameList(spec?.hard, status?.hard)) return true;
  return Object.keys(status?.hard ?? {}).some((name) => status?.used?.[name] === undefined && isCountable(name));
}

const sorted = (list: ResourceList): ResourceList => Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)));
