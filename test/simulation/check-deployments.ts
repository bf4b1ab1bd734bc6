import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import { PODS, REPLICA_SETS } from "#api/builtin.ts";
import { isPodActive, isPodReady } from "#api/core-v1/pod/status.ts";
import type { Pod } from "#api/core-v1/types.ts";
import type { KubeObject } from "#apimachinery/object.ts";
import type { ApiCall } from "#client/transport.ts";
import { sameJson } from "#lib/same-json.ts";

import { PODS_PREFIX } from "./check-pods.ts";
import { type Case, type Check, uidOf } from "./judge.ts";

const DEPLOYMENTS_PREFIX = "/registry/deployments/";
const SETS_PREFIX = "/registry/replicasets/";
const DESIRED = "deployment.kubernetes.io/desired-replicas";
const MOST = "deployment.kubernetes.io/max-replicas";
/** How old what a controller acts on may be: within the server's process no older than its own writes take. */
export const LAG_MS = { inProcess: 2_000, remote: 45_000 };

interface Seen<T> {
  readonly value: T;
  readonly fromMs: number;
  /** Until when it was the newest. */
  untilMs: number;
}

const replicasOf = (object: { readonly spec?: { readonly replicas?: number | undefined } | undefined }) => object.spec?.replicas ?? 1;
const availableIn = (set: ReplicaSet) => set.status?.availableReplicas ?? 0;
/** All that the checks look at. */
const boundsOf = ({ spec, metadata }: Deployment) => [spec.replicas, spec.strategy, spec.paused, metadata.deletionTimestamp];
const sizesOf = (set: ReplicaSet) => [set.spec.replicas, availableIn(set)];
const ownerUid = ({ metadata }: KubeObject) => metadata.ownerReferences?.find(({ controller }) => controller)?.uid;

/**
 * What a deployment's bounds mean for its controllers, as upstream has them: no set grows while all sets together have more than the
 * deployment may have, no old set shrinks below what availability asks for, and no set loses more pods than it has to.
 */
export function deploymentsCheck({ disk, heardMs, isRemote, accuse }: Case): Check {
  const lagMs = isRemote ? LAG_MS.remote : LAG_MS.inProcess;
  /** By uid, what deployments and sets have been of late. */
  const deployments = new Map<string, Seen<Deployment>[]>();
  const sets = new Map<string, Seen<ReplicaSet>[]>();
  /** When each set lost pods to others than its own controller, and what that one takes by itself. */
  const losses = new Map<string, number[]>();
  const taken = new Set<string>();
  /** When each lost ready ones, for whatever reason. */
  const unready = new Map<string, number[]>();
  const remember = <T extends KubeObject>(all: Map<string, Seen<T>[]>, object: T | undefined, before: T | undefined, gist: (object: T) => unknown) => {
    const uid = uidOf(object ?? before);
    const earlier = all.get(uid) ?? [];
    const last = earlier.at(-1);
    if (last !== undefined && object !== undefined && sameJson(gist(last.value), gist(object))) return;
    if (last !== undefined) last.untilMs = heardMs();
    const recent = earlier.filter(({ untilMs }) => untilMs >= heardMs() - lagMs);
    all.set(uid, object === undefined ? recent : [...recent, { value: object, fromMs: heardMs(), untilMs: Infinity }]);
  };
  const recent = <T>(all: Map<string, Seen<T>[]>, uid: string): readonly T[] =>
    (all.get(uid) ?? []).filter(({ untilMs }) => untilMs >= heardMs() - lagMs).map(({ value }) => value);
  const setsOf = (uid: string) => disk.list<ReplicaSet>(SETS_PREFIX).filter((set) => ownerUid(set) === uid);

  return {
    changed({ key, object, before }) {
      if (key.startsWith(DEPLOYMENTS_PREFIX)) remember(deployments, object as Deployment | undefined, before as Deployment | undefined, boundsOf);
      else if (key.startsWith(PODS_PREFIX)) noteLoss(key, object as Pod | undefined, before as Pod | undefined);
      else if (key.startsWith(SETS_PREFIX)) {
        checkStatus(object as ReplicaSet | undefined, before as ReplicaSet | undefined);
        remember(sets, object as ReplicaSet | undefined, before as ReplicaSet | undefined, sizesOf);
      }
    },
    asked(call) {
      const { resource, verb, subresource } = call;
      if (resource === REPLICA_SETS && subresource === undefined && (verb === "create" || verb === "update")) setAsked(call.body as ReplicaSet, call);
      if (resource === PODS && subresource === undefined && verb === "delete") podGoes(call);
      if (resource === PODS && subresource === undefined && verb === "create") podComes(call.body as Pod);
    },
  };

  function setAsked(next: ReplicaSet, { verb, namespace }: ApiCall): void {
    const uid = ownerUid(next);
    if (uid === undefined) return;
    const standing = disk.get(`${SETS_PREFIX}${namespace}/${next.metadata.name}`) as ReplicaSet | undefined;
    // What is refused for its version, or for its name, changes nothing.
    if (verb === "create" ? standing !== undefined : standing?.metadata.resourceVersion !== next.metadata.resourceVersion) return;
    const before = standing === undefined ? 0 : replicasOf(standing);
    const others = setsOf(uid).filter((set) => set.metadata.uid !== standing?.metadata.uid);
    if (replicasOf(next) > before) grows(uid, next, others, before);
    else if (replicasOf(next) < before && standing !== undefined) shrinks(uid, next, standing, others);
  }

  function grows(uid: string, next: ReplicaSet, others: readonly ReplicaSet[], before: number): void {
    const total = others.reduce((sum, set) => sum + replicasOf(set), 0) + replicasOf(next);
    const most = Number(next.metadata.annotations?.[MOST]);
    const what = `set ${next.metadata.name} grows from ${before} to ${replicasOf(next)}`;
    if (!recent(deployments, uid).some((version) => mostOf(version) === most)) accuse(`${what} for a deployment of at most ${most}, as it never was of late`);
    if (total > most) accuse(`${what}: ${total} replicas where ${most} may be`);
  }

  function shrinks(uid: string, next: ReplicaSet, standing: ReplicaSet, others: readonly ReplicaSet[]): void {
    const versions = recent(deployments, uid);
    // A deployment that was resized, paused, or is replaced as a whole shares its replicas out by other rules.
    const isScaling = (set: ReplicaSet) =>
      set.metadata.annotations?.[DESIRED] !== undefined && versions.some((version) => String(replicasOf(version)) !== set.metadata.annotations?.[DESIRED]);
    if (versions.length === 0 || [standing, ...others].some(isScaling)) return;
    if (versions.some(({ spec, metadata }) => spec.paused || spec.strategy.type === "Recreate" || metadata.deletionTimestamp !== undefined)) return;
    const least = Math.min(...versions.map((version) => replicasOf(version) - unavailableOf(version)));
    const counts = (set: ReplicaSet) => [availableIn(set), ...recent(sets, uidOf(set)).map(availableIn)];
    const rest = others.reduce((sum, set) => sum + Math.min(replicasOf(set), Math.max(...counts(set))), 0);
    // What does not work may always go; of what works, no more than can be spared.
    const isFine = (count: number) => count <= replicasOf(next) || rest + Math.min(replicasOf(next), count) >= least;
    if (!counts(standing).some(isFine))
      accuse(
        `set ${next.metadata.name} shrinks to ${replicasOf(next)}: ${rest + Math.min(replicasOf(next), availableIn(standing))} available where ${least} must be`,
      );
  }

  /** A set's controller takes no more pods than the set has to lose. */
  function podGoes({ namespace, name = "", body }: ApiCall): void {
    const pod = disk.get(`${PODS_PREFIX}${namespace}/${name}`) as Pod | undefined;
    const { gracePeriodSeconds, propagationPolicy } = (body ?? {}) as { gracePeriodSeconds?: number; propagationPolicy?: string };
    // The collectors' deletes say more than a set's controller does, and one that a taint drives off says why.
    if (pod === undefined || !isPodActive(pod) || gracePeriodSeconds !== undefined || propagationPolicy !== undefined) return;
    if (pod.status?.conditions?.some(({ type }) => type === "DisruptionTarget")) return;
    const uid = ownerUid(pod) ?? "";
    const versions = recent(sets, uid);
    if (versions.length === 0) return;
    taken.add(`${PODS_PREFIX}${namespace}/${name}`);
    const active = podsOf(uid);
    const least = Math.min(...versions.map(replicasOf));
    const lost = (losses.get(uid) ?? []).filter((atMs) => atMs >= heardMs() - lagMs).length;
    if (active.length - 1 + lost < least) accuse(`pod ${name} is deleted: ${active.length - 1} are left where the set has ${least}`);
  }

  /** A pod that others take may go unnoticed for as long as a watch is late, and one more be deleted for it. */
  function noteLoss(key: string, pod: Pod | undefined, before: Pod | undefined): void {
    const uid = before === undefined ? undefined : ownerUid(before);
    if (before === undefined || uid === undefined || !isPodActive(before)) return;
    const isGone = pod === undefined || !isPodActive(pod) || ownerUid(pod) !== uid;
    if (isPodReady(before) && (isGone || !isPodReady(pod))) unready.set(uid, [...(unready.get(uid) ?? []), heardMs()]);
    if (isGone && !taken.has(key)) losses.set(uid, [...(losses.get(uid) ?? []), heardMs()]);
  }

  /** A status may be late, and a write of something else keeps it; but it never comes to tell of what never was. */
  function checkStatus(set: ReplicaSet | undefined, before: ReplicaSet | undefined): void {
    const ready = set?.status?.readyReplicas ?? 0;
    if (set === undefined || ready <= (before?.status?.readyReplicas ?? 0)) return;
    const uid = uidOf(set);
    const were = podsOf(uid).filter(isPodReady).length + (unready.get(uid) ?? []).filter((atMs) => atMs >= heardMs() - lagMs).length;
    if (ready > were) accuse(`set ${set.metadata.name} tells of ${ready} ready pods, and ${were} there were of late`);
  }

  function podComes(draft: Pod): void {
    const uid = ownerUid(draft) ?? "";
    const versions = recent(sets, uid);
    if (versions.length === 0) return;
    const most = Math.max(...versions.map(replicasOf));
    const count = podsOf(uid).length + 1;
    if (count > most) accuse(`a pod is created for ${draft.metadata.ownerReferences?.[0]?.name}: ${count} where the set has ${most}`);
  }

  function podsOf(uid: string): readonly Pod[] {
    return disk.list<Pod>(PODS_PREFIX).filter((other) => ownerUid(other) === uid && isPodActive(other));
  }
}

/** How many replicas a deployment may have, and how many of them may be missing. @see kubernetes pkg/controller/deployment/util */
function mostOf(deployment: Deployment): number {
  return replicasOf(deployment) + scaled(deployment, deployment.spec.strategy.rollingUpdate?.maxSurge, Math.ceil);
}

function unavailableOf(deployment: Deployment): number {
  const unavailable = scaled(deployment, deployment.spec.strategy.rollingUpdate?.maxUnavailable, Math.floor);
  return unavailable === 0 && mostOf(deployment) === replicasOf(deployment) ? 1 : unavailable;
}

function scaled(deployment: Deployment, value: number | string | undefined, round: (value: number) => number): number {
  if (deployment.spec.strategy.type === "Recreate" || value === undefined) return 0;
  return typeof value === "number" ? value : round((Number.parseInt(value, 10) * replicasOf(deployment)) / 100);
}
