import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "#api/apps-v1/types.ts";
import { fencepostsOf, replicasOf } from "#controllers/deployment/fenceposts.ts";
import { formatTime } from "#lib/clock.ts";

const MAX_INT32 = 2_147_483_647;

type Conditions = readonly DeploymentCondition[];

/** What the status is worked out from. */
export interface StatusInput {
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
  /** The conditions to go on from. */
  readonly conditions: Conditions;
  readonly nowMs: number;
}

/** Counts, and whether enough is available; says nothing of progress. */
export function deploymentStatus({ deployment, newSet, oldSets, conditions, nowMs }: StatusInput): DeploymentStatus {
  const sets = newSet === undefined ? oldSets : [...oldSets, newSet];
  const sum = (count: (set: ReplicaSet) => number | undefined) => sets.reduce((total, set) => total + (count(set) ?? 0), 0);
  const available = sum(({ status }) => status?.availableReplicas);
  const terminating = terminatingReplicas(sets);
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(({ status }) => status?.replicas),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(({ status }) => status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(({ spec }) => replicasOf(spec)) - available),
  };
  const isAvailable = available >= replicasOf(deployment.spec) - fencepostsOf(deployment).maxUnavailable;
  const condition = isAvailable
    ? ["True", "MinimumReplicasAvailable", "Deployment has minimum availability."]
    : ["False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."];
  const { collisionCount } = deployment.status ?? {};
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    conditions: setCondition(conditions, newCondition("Available", condition, nowMs)),
    ...(collisionCount !== undefined && { collisionCount }),
  };
}

/** The status during a rollout: also whether it moves on, is done, or takes too long. */
export function rolloutStatus(input: StatusInput): DeploymentStatus {
  const status = deploymentStatus(input);
  const progressed = hasProgressDeadline(input.deployment) ? withProgress(status, input) : removeCondition(status.conditions, "Progressing");
  const failure = replicaFailure(input);
  const conditions = failure === undefined ? removeCondition(progressed, "ReplicaFailure") : setCondition(progressed, failure);
  return { ...status, conditions };
}

/** How long until a rollout that shows no progress is to be looked at again. */
export function progressCheckMs({ deployment, nowMs }: StatusInput, status: DeploymentStatus): number | undefined {
  const progressing = findCondition(status.conditions, "Progressing");
  if (!hasProgressDeadline(deployment) || progressing === undefined || progressing.reason === "ProgressDeadlineExceeded") return undefined;
  if (isComplete(deployment, status) || progressing.reason === "NewReplicaSetAvailable") return undefined;
  // Times are whole seconds: a second more, and the deadline has passed for certain.
  return Math.max(0, deadlineMs(deployment, progressing) - nowMs) + 1_000;
}

/** Time spent paused does not count against the deadline: the Progressing condition tells of it. */
export function withPauseNoted({ spec, status }: Deployment, nowMs: number): Conditions {
  const conditions = status?.conditions ?? [];
  const progressing = findCondition(conditions, "Progressing");
  if (!hasProgressDeadline({ spec }) || progressing?.reason === "ProgressDeadlineExceeded") return conditions;
  const isNoted = progressing?.reason === "DeploymentPaused";
  if (Boolean(spec.paused) === isNoted) return conditions;
  const words = isNoted ? ["Unknown", "DeploymentResumed", "Deployment is resumed"] : ["Unknown", "DeploymentPaused", "Deployment is paused"];
  return setCondition(conditions, newCondition("Progressing", words, nowMs));
}

/** The conditions with `Progressing` as given, where a deadline is kept at all. */
export function withProgressing(deployment: Deployment, conditions: Conditions, words: readonly string[], nowMs: number): Conditions {
  return hasProgressDeadline(deployment) ? setCondition(conditions, newCondition("Progressing", words, nowMs)) : conditions;
}

/** Whether all wanted replicas are updated and available, and no old ones are left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const replicas = replicasOf(deployment.spec);
  const counts = [status.updatedReplicas, status.replicas, status.availableReplicas];
  return counts.every((count) => (count ?? 0) === replicas) && (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);
}

export function findCondition(conditions: Conditions | undefined, type: string): DeploymentCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

function hasProgressDeadline({ spec }: Pick<Deployment, "spec">): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== MAX_INT32;
}

function withProgress(status: DeploymentStatus, { deployment, newSet, conditions, nowMs }: StatusInput): Conditions {
  const before = deployment.status ?? {};
  const current = findCondition(conditions, "Progressing");
  const after = status.conditions ?? [];
  if (status.replicas === status.updatedReplicas && current?.reason === "NewReplicaSetAvailable") return after;
  const subject = newSet === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${newSet.metadata.name}"`;
  if (isComplete(deployment, status)) {
    return setCondition(after, newCondition("Progressing", ["True", "NewReplicaSetAvailable", `${subject} has successfully progressed.`], nowMs));
  }
  if (hasProgressed(before, status)) {
    const fresh = newCondition("Progressing", ["True", "ReplicaSetUpdated", `${subject} is progressing.`], nowMs);
    // Progress renews the update time even where the condition is otherwise the same.
    const kept = current?.status === "True" ? { ...fresh, lastTransitionTime: current.lastTransitionTime } : fresh;
    return [...removeCondition(after, "Progressing"), kept];
  }
  if (current !== undefined && hasTimedOut(deployment, current, nowMs)) {
    return setCondition(after, newCondition("Progressing", ["False", "ProgressDeadlineExceeded", `${subject} has timed out progressing.`], nowMs));
  }
  return after;
}

/** More new pods, fewer old ones, or more that are ready or available. */
function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  const rises = (name: "updatedReplicas" | "readyReplicas" | "availableReplicas") => (after[name] ?? 0) > (before[name] ?? 0);
  return rises("updatedReplicas") || old(after) < old(before) || rises("readyReplicas") || rises("availableReplicas");
}

function hasTimedOut(deployment: Deployment, progressing: DeploymentCondition, nowMs: number): boolean {
  if (progressing.reason === "NewReplicaSetAvailable") return false;
  return progressing.reason === "ProgressDeadlineExceeded" || deadlineMs(deployment, progressing) < nowMs;
}

function deadlineMs({ spec }: Deployment, { lastUpdateTime }: DeploymentCondition): number {
  return Date.parse(lastUpdateTime ?? "1970-01-01T00:00:00Z") + (spec.progressDeadlineSeconds ?? 0) * 1000;
}

/** A failure of the new set's counts before the old ones'. */
function replicaFailure({ newSet, oldSets }: StatusInput): DeploymentCondition | undefined {
  for (const set of newSet === undefined ? oldSets : [newSet, ...oldSets]) {
    const found = set.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
    if (found !== undefined) return { ...found, lastUpdateTime: found.lastTransitionTime };
  }
  return undefined;
}

/** `undefined` while a set that was synced does not tell. */
function terminatingReplicas(sets: readonly ReplicaSet[]): number | undefined {
  const synced = sets.filter(({ status }) => status?.observedGeneration !== undefined || status?.terminatingReplicas !== undefined);
  if (synced.some(({ status }) => status.terminatingReplicas === undefined)) return undefined;
  return synced.reduce((total, { status }) => total + (status.terminatingReplicas ?? 0), 0);
}

function newCondition(type: string, [status = "", reason = "", message = ""]: readonly string[], nowMs: number): DeploymentCondition {
  const time = formatTime(nowMs);
  return { type, status, lastUpdateTime: time, lastTransitionTime: time, reason, message };
}

/** A condition that says the same as before stays as it was; the transition time changes with the status only. */
function setCondition(conditions: Conditions, condition: DeploymentCondition): Conditions {
  const current = findCondition(conditions, condition.type);
  if (current?.status === condition.status && current.reason === condition.reason) return conditions;
  const lastTransitionTime = current?.status === condition.status ? current.lastTransitionTime : condition.lastTransitionTime;
  return [...removeCondition(conditions, condition.type), { ...condition, lastTransitionTime }];
}

function removeCondition(conditions: Conditions = [], type: string): Conditions {
  return conditions.filter((condition) => condition.type !== type);
}
