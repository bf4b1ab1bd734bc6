import { isDeepStrictEqual } from "node:util";

import type { ReplicaSet } from "#api/apps-v1/types.ts";
import { PODS, REPLICA_SETS } from "#api/builtin.ts";
import { isPodActive } from "#api/core-v1/pod/status.ts";
import type { Pod, ReplicationController } from "#api/core-v1/types.ts";
import { builtin, type Resource } from "#api/resources.ts";
import { keyOf, type ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { referenceTo, type EventRecorder } from "#client/event-recorder.ts";
import type { Informer } from "#client/informer.ts";
import { isEmptySelector, selects } from "#apimachinery/label-selector.ts";
import type { WorkQueue } from "#client/work-queue.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { claim, controllerOf, controllerReference, ORPHANS, performClaim } from "#controllers/common/owners.ts";
import { podFromTemplate } from "#controllers/common/pods.ts";
import { slowStart } from "#controllers/common/slow-start.ts";
import { nextAvailabilityMs, reconcileReplicaSet, replicaSetStatus, type Action } from "#controllers/replicaset/reconcile.ts";
import { allDone } from "#lib/all-done.ts";

const REPLICATION_CONTROLLERS = builtin<ReplicationController>("", "v1", "replicationcontrollers");

/** Keeps each ReplicaSet's number of pods. */
export function startReplicaSets(deps: ControllerDeps): void {
  start(deps, { resource: REPLICA_SETS, component: "replicaset-controller", asSet: (set) => set, reportsTerminating: true });
}

/** Keeps each ReplicationController's number of pods, by the same rules. */
export function startReplicationControllers(deps: ControllerDeps): void {
  start(deps, { resource: REPLICATION_CONTROLLERS, component: "replication-controller", asSet: fromReplicationController, reportsTerminating: false });
}

/** One of the kinds that this controller serves. */
interface Flavour<T extends ReplicaSet | ReplicationController> {
  readonly resource: Resource<T>;
  readonly component: string;
  asSet(object: T): ReplicaSet;
  readonly reportsTerminating: boolean;
}

interface Context<T extends ReplicaSet | ReplicationController> {
  readonly deps: ControllerDeps;
  readonly flavour: Flavour<T>;
  readonly sets: Informer<T>;
  readonly pods: Informer<Pod>;
  readonly queue: WorkQueue;
  readonly recorder: EventRecorder;
}

function start<T extends ReplicaSet | ReplicationController>(deps: ControllerDeps, flavour: Flavour<T>): void {
  const sets = deps.informers.informer(flavour.resource);
  const pods = deps.informers.informer(PODS, ORPHANS);
  const queue = queueFor(deps, { name: flavour.resource.plural, sync: (key) => sync(key, context) });
  const context: Context<T> = { deps, flavour, sets, pods, queue, recorder: deps.recorderFor(flavour.component) };
  const enqueue = (set: T) => queue.add(keyOf(set));
  sets.onChange({ added: enqueue, updated: enqueue, deleted: enqueue });
  const enqueueOwners = (pod: Pod) => ownersOf(pod, context).forEach(enqueue);
  pods.onChange({
    added: enqueueOwners,
    updated: (pod, before) => {
      enqueueOwners(pod);
      if (controllerOf(pod)?.uid !== controllerOf(before)?.uid) enqueueOwners(before);
    },
    deleted: enqueueOwners,
  });
}

/** The set that a pod belongs to, or, for an orphan, those that would have it. */
function ownersOf<T extends ReplicaSet | ReplicationController>(pod: Pod, { flavour, sets }: Context<T>): readonly T[] {
  const { namespace = "", labels } = pod.metadata;
  const owner = controllerOf(pod);
  if (owner === undefined) return sets.inNamespace(namespace).filter((set) => wants(flavour.asSet(set), labels));
  if (owner.kind !== flavour.resource.kind) return [];
  const set = sets.get(`${namespace}/${owner.name}`);
  return set?.metadata.uid === owner.uid ? [set] : [];
}

const wants = ({ spec }: ReplicaSet, labels: Readonly<Record<string, string>> | undefined) => !isEmptySelector(spec.selector) && selects(spec.selector, labels);

async function sync<T extends ReplicaSet | ReplicationController>(key: ObjectKey, context: Context<T>): Promise<void> {
  const { deps, flavour, sets, pods, queue } = context;
  const object = sets.get(key);
  if (object === undefined) return; // deleted: the garbage collector takes its pods
  const set = flavour.asSet(object);
  const { namespace = "", uid = "" } = set.metadata;
  const claimed = claim(set, (pod: Pod) => wants(set, pod.metadata.labels), [...pods.ownedBy(uid), ...pods.byIndex("orphans", namespace).filter(isPodActive)]);
  const nowMs = deps.clock.now();
  const observed = { set, pods: claimed.claimed, relatedPods: () => relatedPods(set, context), nowMs };
  let failure: Error | undefined;
  await performClaim(deps.client, PODS, controllerReference(flavour.resource, set), claimed);
  for (const action of reconcileReplicaSet(observed)) failure ??= await perform(action, set, context);
  await writeStatus(object, observed, failure, context);
  if (failure !== undefined) throw failure;
  const waitMs = nextAvailabilityMs(observed);
  if (waitMs !== undefined) queue.addAfter(key, waitMs);
}

/** Pods of every set that our controller owns: those of a deployment's other revisions crowd nodes too. */
function relatedPods<T extends ReplicaSet | ReplicationController>(set: ReplicaSet, { sets, pods }: Context<T>): readonly Pod[] {
  const owner = controllerOf(set);
  const siblings = owner === undefined ? [set.metadata.uid ?? ""] : sets.ownedBy(owner.uid).map(({ metadata }) => metadata.uid ?? "");
  return siblings.flatMap((uid) => pods.ownedBy(uid));
}

/** @returns what went wrong, which the status tells before the sync fails of it */
async function perform<T extends ReplicaSet | ReplicationController>(action: Action, set: ReplicaSet, context: Context<T>): Promise<Error | undefined> {
  try {
    if (action.kind === "createPods") await slowStart(action.count, () => createPod(set, context));
    else await allDone(action.pods.map((pod) => deletePod(pod, set, context)));
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

async function createPod<T extends ReplicaSet | ReplicationController>(set: ReplicaSet, { deps, flavour, recorder }: Context<T>): Promise<void> {
  const about = referenceTo(flavour.resource, set);
  const draft = podFromTemplate(set.spec.template, set.metadata.namespace ?? "", controllerReference(flavour.resource, set));
  try {
    const pod = await deps.client.create(PODS, draft);
    recorder.record(about, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
  } catch (error) {
    if (isStatus(error) && error.hasCause("NamespaceTerminating")) return;
    recorder.record(about, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
    throw error;
  }
}

async function deletePod<T extends ReplicaSet | ReplicationController>(pod: Pod, set: ReplicaSet, { deps, flavour, recorder }: Context<T>): Promise<void> {
  const about = referenceTo(flavour.resource, set);
  const { uid = "", name } = pod.metadata;
  try {
    await deps.client.delete(PODS, pod.metadata, { preconditions: { uid } });
    recorder.record(about, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
  } catch (error) {
    if (isStatus(error, "NotFound")) return;
    recorder.record(about, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
    throw error;
  }
}

async function writeStatus<T extends ReplicaSet | ReplicationController>(
  object: T,
  observed: Parameters<typeof replicaSetStatus>[0],
  failure: Error | undefined,
  { deps, flavour }: Context<T>,
): Promise<void> {
  const { terminatingReplicas, ...common } = replicaSetStatus(observed, failure);
  const status = flavour.reportsTerminating ? { ...common, terminatingReplicas } : common;
  if (isDeepStrictEqual(status, object.status)) return;
  await deps.client.updateStatus(flavour.resource, { ...object, status }).catch(ignoreNotFound);
}

/** A ReplicationController's selector is a plain map, and its template's labels stand in for an absent one. */
function fromReplicationController({ metadata, spec, status }: ReplicationController): ReplicaSet {
  const template = spec.template ?? { spec: { containers: [] } };
  const matchLabels = spec.selector ?? template.metadata?.labels ?? {};
  return { metadata, spec: { ...spec, template, selector: { matchLabels } }, status } as ReplicaSet;
}
