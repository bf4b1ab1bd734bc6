import type { Pod } from "#api/core-v1/types.ts";
import type { PodDisruptionBudget } from "#api/policy-v1/types.ts";
import type { Condition } from "#apimachinery/meta-v1/types.ts";
import { failure, statusError, type StatusError } from "#apimachinery/status-error.ts";

type Status = NonNullable<PodDisruptionBudget["status"]>;

/** Evictions that the controller has not confirmed yet, at most. */
const MAX_DISRUPTED_PODS = 2000;
const RETRY_AFTER_SECONDS = 10;
const RESOURCE = { group: "policy", resource: "poddisruptionbudget" };

/** A pod that does not run, or is going already, costs no budget. */
export function ignoresBudgets({ status, metadata }: Pod): boolean {
  const phase = status?.phase;
  return phase === "Succeeded" || phase === "Failed" || phase === "Pending" || metadata.deletionTimestamp !== undefined;
}

/** Whether a pod that is not ready may go without any cost: the application has what it needs without it, or the budget says so. */
export function goesForFree({ status }: Pod, budget: PodDisruptionBudget): boolean {
  if (status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True")) return false;
  if (budget.spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/**
 * The budget after the pod's eviction.
 *
 * @throws {StatusError} 429 when it allows none now, 403 when its status makes no sense
 * @see kubernetes pkg/registry/core/pod/storage/eviction.go
 */
export function spent(budget: PodDisruptionBudget, podName: string, now: string): PodDisruptionBudget {
  const { metadata, status } = budget;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw stillProcessed(metadata.name);
  const allowed = status?.disruptionsAllowed ?? 0;
  if (allowed < 0) throw statusError.forbidden(RESOURCE, metadata.name, "pdb disruptions allowed is negative");
  if (Object.keys(status?.disruptedPods ?? {}).length > MAX_DISRUPTED_PODS) {
    throw statusError.forbidden(RESOURCE, metadata.name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (allowed === 0) throw refusal(whyNone(budget));
  const conditions = allowed === 1 ? withoutDisruptions(status!, now) : status?.conditions;
  const disruptedPods = { ...status?.disruptedPods, [podName]: now };
  return { ...budget, status: { ...status!, disruptedPods, disruptionsAllowed: allowed - 1, ...(conditions && { conditions }) } };
}

/** Said, too, of a pod that changed while it was looked at. */
export function stillProcessed(budgetName: string): StatusError {
  return refusal(`The disruption budget ${budgetName} is still being processed by the server.`, RETRY_AFTER_SECONDS);
}

function refusal(message: string, retryAfterSeconds?: number): StatusError {
  return failure(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: "DisruptionBudget", message }],
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

function whyNone({ metadata: { name }, status }: PodDisruptionBudget): string {
  const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
  const found = status?.conditions?.find(({ type }) => type === "DisruptionAllowed");
  const condition = found?.status === "False" && found.message !== "" ? found : undefined;
  if (condition?.reason === "SyncFailed")
    return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`;
  if (currentHealthy <= desiredHealthy) return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  if (condition !== undefined) return `The disruption budget ${name} does not allow evicting pods currently (${condition.reason}): ${condition.message}`;
  return `The disruption budget ${name} does not allow evicting pods currently`;
}

/** The last disruption is taken: the condition says so before the controller does. */
function withoutDisruptions({ conditions = [], observedGeneration }: Status, now: string): readonly Condition[] {
  const old = conditions?.find(({ type }) => type === "DisruptionAllowed");
  const next: Condition = {
    type: "DisruptionAllowed",
    status: "False",
    ...(observedGeneration !== undefined && { observedGeneration }),
    lastTransitionTime: old?.status === "False" ? old.lastTransitionTime : now,
    reason: "InsufficientPods",
    message: "",
  };
  return old === undefined ? [...(conditions ?? []), next] : conditions!.map((each) => (each === old ? next : each));
}
