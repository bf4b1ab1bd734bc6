import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import { countAnnotation, DESIRED_REPLICAS, MAX_REPLICAS } from "#controllers/deployment/annotations.ts";
import { fencepostsOf, replicasOf } from "#controllers/deployment/fenceposts.ts";

/** The size that a set is to have. */
export interface Sizing {
  readonly set: ReplicaSet;
  readonly replicas: number;
  /** A size between, where two reasons to resize fall together: each is told of. */
  readonly via?: number;
}

/** Older first; ties in the order of the names. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [x = "", y = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0;
}

export const isActiveSet = ({ spec }: ReplicaSet) => replicasOf(spec) > 0;
export const totalReplicas = (sets: readonly ReplicaSet[]) => sets.reduce((total, { spec }) => total + replicasOf(spec), 0);

/** Whether the deployment's size has changed since its sets were last sized. */
export function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.filter(isActiveSet).some((set) => (countAnnotation(set, DESIRED_REPLICAS) ?? replicasOf(deployment.spec)) !== replicasOf(deployment.spec));
}

/** Sizes for a deployment that was resized or is paused: in proportion, so that neither direction hastens a rollout. */
export function sizesAfterScaling(deployment: Deployment, newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): readonly Sizing[] {
  const replicas = replicasOf(deployment.spec);
  const all = newSet === undefined ? oldSets : [...oldSets, newSet];
  const active = all.filter(isActiveSet);
  if (active.length <= 1) {
    const only = active[0] ?? newSet ?? [...oldSets].sort(byAge).at(-1);
    // One that has its size may still say that it was made for another; as long as it does, nothing else happens (upstream: for ever).
    return only === undefined || (replicasOf(only.spec) === replicas && !isActiveSet(only)) ? [] : [{ set: only, replicas }];
  }
  if (newSet !== undefined && isSaturated(deployment, newSet)) return oldSets.filter(isActiveSet).map((set) => ({ set, replicas: 0 }));
  return deployment.spec.strategy.type === "Recreate" ? [] : proportionalSizes(deployment, active);
}

/** The new size, `undefined` when the new set has it already. */
export function newSetSize(deployment: Deployment, sets: readonly ReplicaSet[], current: number): number {
  const replicas = replicasOf(deployment.spec);
  if (current >= replicas || deployment.spec.strategy.type === "Recreate") return replicas;
  const room = replicas + fencepostsOf(deployment).maxSurge - totalReplicas(sets);
  return current + Math.max(0, Math.min(room, replicas - current));
}

/** Takes down what old sets can spare: first what does not work anyway, then as much as availability allows; the oldest first. */
export function oldSetSizes(deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): readonly Sizing[] {
  const active = oldSets.filter(isActiveSet).sort(byAge);
  const minAvailable = replicasOf(deployment.spec) - fencepostsOf(deployment).maxUnavailable;
  const newUnavailable = replicasOf(newSet.spec) - availableIn(newSet);
  let mayClean = totalReplicas([...active, newSet]) - minAvailable - newUnavailable;
  if (active.length === 0 || mayClean <= 0) return [];
  const sizes = new Map(active.map((set) => [set, replicasOf(set.spec)]));
  for (const set of active) {
    const unhealthy = Math.max(0, sizes.get(set)! - availableIn(set));
    const removed = Math.min(unhealthy, mayClean);
    sizes.set(set, sizes.get(set)! - removed);
    mayClean -= removed;
  }
  const cleaned = new Map(sizes);
  let mayRemove = [...active, newSet].reduce((total, set) => total + availableIn(set), 0) - minAvailable;
  for (const set of active) {
    const removed = Math.max(0, Math.min(sizes.get(set)!, mayRemove));
    sizes.set(set, sizes.get(set)! - removed);
    mayRemove -= removed;
  }
  return active.map((set) => ({ set, via: cleaned.get(set)!, replicas: sizes.get(set)! })).filter(({ set, replicas }) => replicas !== replicasOf(set.spec));
}

/** Of a set that was just made smaller the status still counts pods that are on their way out: they are not there to rely on. */
function availableIn({ spec, status }: ReplicaSet): number {
  return Math.min(replicasOf(spec), status?.availableReplicas ?? 0);
}

/** Whether both the deployment and the new set take it to hold everything. */
function isSaturated({ spec }: Deployment, set: ReplicaSet): boolean {
  const counts = [replicasOf(set.spec), countAnnotation(set, DESIRED_REPLICAS), set.status?.availableReplicas ?? 0];
  return counts.every((count) => count === replicasOf(spec));
}

/** The larger first; of equal ones, when adding the newer, when removing the older. What rounding leaves goes to the first. */
function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): readonly Sizing[] {
  const replicas = replicasOf(deployment.spec);
  const allowed = replicas > 0 ? replicas + fencepostsOf(deployment).maxSurge : 0;
  const toAdd = allowed - totalReplicas(active);
  const ordered = [...active].sort((a, b) => replicasOf(b.spec) - replicasOf(a.spec) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)));
  let added = 0;
  const sizes = ordered.map((set) => {
    const share = toAdd === 0 || toAdd === added ? 0 : fraction(deployment, set);
    const change = toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
    added += toAdd === 0 ? 0 : change;
    return { set, replicas: replicasOf(set.spec) + (toAdd === 0 ? 0 : change) };
  });
  const [first, ...rest] = sizes;
  return first === undefined ? [] : [{ ...first, replicas: Math.max(0, first.replicas + toAdd - added) }, ...rest];
}

function fraction(deployment: Deployment, set: ReplicaSet): number {
  const replicas = replicasOf(deployment.spec);
  const current = replicasOf(set.spec);
  if (replicas === 0) return -current;
  const before = countAnnotation(set, MAX_REPLICAS) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return roundHalfAway((current * (replicas + fencepostsOf(deployment).maxSurge)) / before) - current;
}

const roundHalfAway = (value: number) => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
