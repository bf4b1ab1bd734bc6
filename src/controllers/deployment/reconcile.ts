import { isDeepStrictEqual } from "node:util";

import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "#api/apps-v1/types.ts";
import { isPodFinished } from "#api/core-v1/pod/status.ts";
import type { Pod, PodTemplateSpec } from "#api/core-v1/types.ts";
import { isEmptySelector } from "#apimachinery/label-selector.ts";
import {
  annotationsOf,
  maxRevision,
  newSetAnnotations,
  REVISION,
  revisionOf,
  rolledBackAnnotations,
  ROLLBACK_TO,
  sizeAnnotations,
} from "#controllers/deployment/annotations.ts";
import { replicasOf } from "#controllers/deployment/fenceposts.ts";
import { isActiveSet, isScalingEvent, newSetSize, oldSetSizes, sizesAfterScaling, byAge, type Sizing } from "#controllers/deployment/scale.ts";
import {
  deploymentStatus,
  findCondition,
  isComplete,
  progressCheckMs,
  rolloutStatus,
  withPauseNoted,
  withProgressing,
  type StatusInput,
} from "#controllers/deployment/status.ts";
import { findNewSet, isSameTemplate, newSetFor, withoutHash, type NewSet } from "#controllers/deployment/template.ts";

/** All that one decision may look at. Read-only: objects come from a shared cache. */
export interface Observed {
  readonly deployment: Deployment;
  /** Those the deployment owns. */
  readonly sets: readonly ReplicaSet[];
  readonly podsOf: (set: ReplicaSet) => readonly Pod[];
  readonly nowMs: number;
}

export type Action =
  | { readonly kind: "createSet"; readonly set: NewSet; readonly replicas: number; readonly revision: string }
  | { readonly kind: "updateSet"; readonly set: ReplicaSet; readonly scaledFrom: number; readonly via?: number }
  | { readonly kind: "deleteSet"; readonly set: ReplicaSet }
  /** Notes in the deployment which revision it rolls out. */
  | { readonly kind: "setRevision"; readonly revision: string }
  /** Ends a rollback: `template` is the one to go back to, if any. */
  | { readonly kind: "endRollback"; readonly annotations: Readonly<Record<string, string>>; readonly template?: PodTemplateSpec }
  | { readonly kind: "event"; readonly type: "Normal" | "Warning"; readonly reason: string; readonly message: string };

export interface Decision {
  readonly actions: readonly Action[];
  readonly status: DeploymentStatus;
  /** When to look again though nothing changes. */
  readonly requeueAfterMs?: number | undefined;
}

/** What the steps of a decision share. */
interface World extends StatusInput {
  readonly newSet: ReplicaSet | undefined;
  readonly podsOf: Observed["podsOf"];
  /** Changes to the new set and the deployment that every step makes. */
  readonly upkeep: readonly Action[];
}

/**
 * Decides the next step of a deployment: one that waits for what earlier steps bring about is left to a later call.
 *
 * @see kubernetes pkg/controller/deployment
 */
export function reconcileDeployment(observed: Observed): Decision {
  const { deployment } = observed;
  if (isEmptySelector(deployment.spec.selector)) return refuseToSelectAll(deployment);
  const world = look(observed);
  if (deployment.metadata.deletionTimestamp !== undefined) return { actions: [], status: deploymentStatus(world) };
  if (deployment.spec.paused) return rescale(world, rollbackTarget(deployment) === undefined ? surplusHistory(world) : []);
  const target = rollbackTarget(deployment);
  if (target !== undefined) return rollBack(world, target);
  if (isScalingEvent(deployment, allSets(world)) && !isLeftOver(world)) return rescale(world, []);
  return deployment.spec.strategy.type === "Recreate" ? recreate(world) : rollOn(world);
}

function refuseToSelectAll({ metadata, status }: Deployment): Decision {
  const message = "This deployment is selecting all pods. A non-empty selector is required.";
  const event: Action = { kind: "event", type: "Warning", reason: "SelectingAll", message };
  return { actions: [event], status: { ...status, observedGeneration: metadata.generation ?? 0 } };
}

function look({ deployment, sets, podsOf, nowMs }: Observed): World {
  const found = findNewSet(deployment, sets);
  const oldSets = sets.filter((set) => set !== found).sort(byAge);
  const noted = deployment.metadata.deletionTimestamp === undefined ? withPauseNoted(deployment, nowMs) : (deployment.status?.conditions ?? []);
  const base = { deployment, oldSets, podsOf, nowMs };
  if (found === undefined) return { ...base, newSet: undefined, conditions: noted, upkeep: [] };
  const newSet = upToDate(deployment, found, maxRevision(oldSets) + 1);
  if (newSet !== found) return { ...base, newSet, conditions: noted, upkeep: [{ kind: "updateSet", set: newSet, scaledFrom: replicasOf(found.spec) }] };
  const revision = annotationsOf(newSet)[REVISION] ?? "";
  const upkeep: readonly Action[] = annotationsOf(deployment)[REVISION] === revision ? [] : [{ kind: "setRevision", revision }];
  const words = ["True", "FoundNewReplicaSet", `Found new replica set "${newSet.metadata.name}"`];
  const conditions = findCondition(noted, "Progressing") === undefined ? withProgressing(deployment, noted, words, nowMs) : noted;
  return { ...base, newSet, conditions, upkeep };
}

/** The set with the deployment's annotations, its revision and its minReadySeconds; the same object when it has them. */
function upToDate(deployment: Deployment, set: ReplicaSet, revision: number): ReplicaSet {
  const annotations = newSetAnnotations(deployment, annotationsOf(set), revision);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  if (isDeepStrictEqual(annotations, annotationsOf(set)) && minReadySeconds === (set.spec.minReadySeconds ?? 0)) return set;
  return { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, minReadySeconds } };
}

/** A rollout that was under way when the strategy became Recreate: its sets are not resized, but replaced; upstream waits here for ever. */
function isLeftOver(world: World): boolean {
  return world.deployment.spec.strategy.type === "Recreate" && allSets(world).filter(isActiveSet).length > 1;
}

const allSets = ({ newSet, oldSets }: World) => (newSet === undefined ? oldSets : [...oldSets, newSet]);

/** After a change of size, and while paused: sizes and status, but no rollout. */
function rescale(world: World, more: readonly Action[]): Decision {
  const sizes = sizesAfterScaling(world.deployment, world.newSet, world.oldSets);
  return { actions: [...withSizes(world, sizes, true), ...more], status: deploymentStatus(world) };
}

function rollOn(world: World): Decision {
  const { deployment, newSet, oldSets } = world;
  if (newSet === undefined) return createNewSet(world);
  const size = newSetSize(deployment, allSets(world), replicasOf(newSet.spec));
  if (size !== replicasOf(newSet.spec)) return rollout(world, [{ set: newSet, replicas: size }]);
  const sizes = oldSetSizes(deployment, newSet, oldSets);
  if (sizes.length > 0) return rollout(world, sizes);
  return rollout(world, [], isComplete(deployment, deployment.status ?? {}) ? surplusHistory(world) : []);
}

/** All of the old goes before any of the new comes. */
function recreate(world: World): Decision {
  const { deployment, newSet, oldSets, podsOf } = world;
  const active = oldSets.filter(isActiveSet);
  if (active.length > 0)
    return rollout(
      world,
      active.map((set) => ({ set, replicas: 0 })),
    );
  const isOldRunning = oldSets.some((set) => (set.status?.replicas ?? 0) > 0 || podsOf(set).some((pod) => !isPodFinished(pod)));
  if (isOldRunning) return rollout(world, []);
  if (newSet === undefined) return createNewSet(world);
  const replicas = replicasOf(deployment.spec);
  if (replicasOf(newSet.spec) !== replicas) return rollout(world, [{ set: newSet, replicas }]);
  return rollout(world, [], isComplete(deployment, deployment.status ?? {}) ? surplusHistory(world) : []);
}

function rollout(world: World, sizes: readonly Sizing[], more: readonly Action[] = []): Decision {
  const status = rolloutStatus(world);
  return { actions: [...withSizes(world, sizes, false), ...more], status, requeueAfterMs: progressCheckMs(world, status) };
}

function createNewSet(world: World): Decision {
  const { deployment, oldSets } = world;
  const replicas = newSetSize(deployment, oldSets, 0);
  const revision = maxRevision(oldSets) + 1;
  const set = newSetFor(deployment, revision, replicas);
  return { actions: [{ kind: "createSet", set, replicas, revision: String(revision) }], status: rolloutStatus(world) };
}

/**
 * Upkeep and resizing in one write for each set.
 *
 * @param always whether sets that keep their size are told of the deployment's, too
 */
function withSizes(world: World, sizes: readonly Sizing[], always: boolean): readonly Action[] {
  const { deployment, upkeep } = world;
  const resized = sizes.flatMap(({ set, replicas, via = replicas }): Action[] => {
    const annotations = { ...annotationsOf(set), ...sizeAnnotations(deployment) };
    const scaledFrom = replicasOf(set.spec);
    if (replicas === scaledFrom && (!always || isDeepStrictEqual(annotations, annotationsOf(set)))) return [];
    return [{ kind: "updateSet", set: { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } }, scaledFrom, via }];
  });
  const isResized = (action: Action) =>
    action.kind === "updateSet" && resized.some((other) => other.kind === "updateSet" && other.set.metadata.uid === action.set.metadata.uid);
  return [...upkeep.filter((action) => !isResized(action)), ...resized];
}

/** Old sets beyond the history limit that have nothing left, the earliest revisions first. */
function surplusHistory({ deployment, oldSets }: World): readonly Action[] {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined || limit === 2_147_483_647) return [];
  const cleanable = oldSets.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const ordered = cleanable.sort((a, b) => (revisionOf(a) ?? 0) - (revisionOf(b) ?? 0) || byAge(a, b));
  return ordered
    .slice(0, Math.max(0, ordered.length - limit))
    .filter(isEmptySet)
    .map((set) => ({ kind: "deleteSet", set }));
}

function isEmptySet({ metadata, spec, status }: ReplicaSet): boolean {
  return (status?.replicas ?? 0) === 0 && replicasOf(spec) === 0 && (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0);
}

function rollbackTarget(deployment: Deployment): number | undefined {
  const text = annotationsOf(deployment)[ROLLBACK_TO] ?? "";
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

/** @param target the revision to go back to; 0: the one before the last */
function rollBack(world: World, target: number): Decision {
  const { deployment, conditions } = world;
  const status = { ...deployment.status, conditions };
  const { [ROLLBACK_TO]: _done, ...annotations } = annotationsOf(deployment);
  const giveUp = (reason: string, message: string): Decision => ({
    actions: [
      { kind: "event", type: "Warning", reason, message },
      { kind: "endRollback", annotations },
    ],
    status,
  });
  const sets = allSets(world);
  const revision = target === 0 ? lastRevision(sets) : target;
  if (revision === 0) return giveUp("DeploymentRollbackRevisionNotFound", "Unable to find last revision.");
  const set = sets.find((candidate) => revisionOf(candidate) === revision);
  if (set === undefined) return giveUp("DeploymentRollbackRevisionNotFound", "Unable to find the revision to rollback to.");
  const name = JSON.stringify(deployment.metadata.name);
  if (isSameTemplate(set.spec.template, deployment.spec.template)) {
    return giveUp("DeploymentRollbackTemplateUnchanged", `The rollback revision contains the same template as current deployment ${name}`);
  }
  const { [ROLLBACK_TO]: _to, ...restored } = rolledBackAnnotations(deployment, set);
  const message = `Rolled back deployment ${name} to revision ${revision}`;
  return {
    actions: [
      { kind: "endRollback", annotations: restored, template: withoutHash(set.spec.template) },
      { kind: "event", type: "Normal", reason: "DeploymentRollback", message },
    ],
    status,
  };
}

/** The second highest revision, 0 when there is none. */
function lastRevision(sets: readonly ReplicaSet[]): number {
  return sets.map((set) => revisionOf(set) ?? 0).sort((a, b) => b - a)[1] ?? 0;
}

/** How making the new set went. */
export type CreateOutcome = { readonly kind: "created" } | { readonly kind: "collision" } | { readonly kind: "failed"; readonly message: string };

/** The status after an attempt to make the new set `name`. */
export function statusAfterCreate(deployment: Deployment, status: DeploymentStatus, name: string, outcome: CreateOutcome, nowMs: number): DeploymentStatus {
  if (outcome.kind === "collision") return { ...status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
  const words =
    outcome.kind === "failed" ? ["False", "ReplicaSetCreateError", outcome.message] : ["True", "NewReplicaSetCreated", `Created new replica set "${name}"`];
  const conditions: readonly DeploymentCondition[] = withProgressing(deployment, status.conditions ?? [], words, nowMs);
  return { ...status, conditions };
}
