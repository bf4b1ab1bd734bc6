import { isDeepStrictEqual } from "node:util";

import type { Deployment, DeploymentStatus, ReplicaSet } from "#api/apps-v1/types.ts";
import { DEPLOYMENTS, PODS, REPLICA_SETS } from "#api/builtin.ts";
import type { Pod } from "#api/core-v1/types.ts";
import { keyOf, type ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import { referenceTo, type EventRecorder } from "#client/event-recorder.ts";
import type { Informer } from "#client/informer.ts";
import { isEmptySelector, selects } from "#apimachinery/label-selector.ts";
import type { WorkQueue } from "#client/work-queue.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { claim, controllerOf, controllerReference, ORPHANS, performClaim } from "#controllers/common/owners.ts";
import { REVISION } from "#controllers/deployment/annotations.ts";
import { replicasOf } from "#controllers/deployment/fenceposts.ts";
import { reconcileDeployment, statusAfterCreate, type Action, type CreateOutcome } from "#controllers/deployment/reconcile.ts";
import { isSameTemplate } from "#controllers/deployment/template.ts";

interface Context {
  readonly deps: ControllerDeps;
  readonly deployments: Informer<Deployment>;
  readonly sets: Informer<ReplicaSet>;
  readonly pods: Informer<Pod>;
  readonly queue: WorkQueue;
  readonly recorder: EventRecorder;
}

/** Rolls deployments out, by way of their ReplicaSets. */
export function startDeployments(deps: ControllerDeps): void {
  const deployments = deps.informers.informer(DEPLOYMENTS);
  const sets = deps.informers.informer(REPLICA_SETS, ORPHANS);
  const pods = deps.informers.informer(PODS, ORPHANS);
  const queue = queueFor(deps, { name: "deployments", sync: (key) => sync(key, context) });
  const context: Context = { deps, deployments, sets, pods, queue, recorder: deps.recorderFor("deployment-controller") };
  const enqueue = (deployment: Deployment) => queue.add(keyOf(deployment));
  deployments.onChange({ added: enqueue, updated: enqueue, deleted: enqueue });
  const enqueueOwners = (set: ReplicaSet) => ownersOf(set, deployments).forEach(enqueue);
  sets.onChange({
    added: enqueueOwners,
    updated: (set, before) => {
      enqueueOwners(set);
      if (controllerOf(set)?.uid !== controllerOf(before)?.uid) enqueueOwners(before);
    },
    deleted: enqueueOwners,
  });
  // Recreate waits for the last pod of the old sets; nothing else of a pod concerns us.
  pods.onChange({
    deleted: (pod) =>
      ownersOfPod(pod, context)
        .filter(({ spec }) => spec.strategy.type === "Recreate")
        .forEach(enqueue),
  });
}

function ownersOf(set: ReplicaSet, deployments: Informer<Deployment>): readonly Deployment[] {
  const { namespace = "", labels } = set.metadata;
  const owner = controllerOf(set);
  if (owner === undefined) return deployments.inNamespace(namespace).filter((deployment) => wants(deployment, labels));
  const deployment = owner.kind === DEPLOYMENTS.kind ? deployments.get(`${namespace}/${owner.name}`) : undefined;
  return deployment?.metadata.uid === owner.uid ? [deployment] : [];
}

function ownersOfPod(pod: Pod, { sets, deployments }: Context): readonly Deployment[] {
  const owner = controllerOf(pod);
  const set = owner?.kind === REPLICA_SETS.kind ? sets.get(`${pod.metadata.namespace}/${owner.name}`) : undefined;
  return set === undefined ? [] : ownersOf(set, deployments);
}

const wants = ({ spec }: Deployment, labels: Readonly<Record<string, string>> | undefined) => !isEmptySelector(spec.selector) && selects(spec.selector, labels);

async function sync(key: ObjectKey, context: Context): Promise<void> {
  const { deps, deployments, sets, pods, queue } = context;
  const deployment = deployments.get(key);
  if (deployment === undefined) return; // deleted: the garbage collector takes its sets
  const { namespace = "", uid = "" } = deployment.metadata;
  const claimed = claim(deployment, ({ metadata }: ReplicaSet) => wants(deployment, metadata.labels), [
    ...sets.ownedBy(uid),
    ...sets.byIndex("orphans", namespace),
  ]);
  const nowMs = deps.clock.now();
  const podsOf = (set: ReplicaSet) => pods.ownedBy(set.metadata.uid ?? "");
  const { actions, status, requeueAfterMs } = reconcileDeployment({ deployment, sets: claimed.claimed, podsOf, nowMs });
  await performClaim(deps.client, REPLICA_SETS, controllerReference(DEPLOYMENTS, deployment), claimed);
  if (claimed.adopt.length > 0) return; // their change brings us back, with sets that can be updated
  let current = deployment;
  let reached = status;
  let failure: unknown;
  for (const action of actions) {
    try {
      ({ deployment: current, status: reached } = await perform(action, current, reached, context));
    } catch (error) {
      if (error instanceof CreateFailure) reached = statusAfterCreate(deployment, reached, error.set, error.outcome, nowMs);
      failure = error;
      break;
    }
  }
  await writeStatus(current, reached, context);
  if (failure !== undefined) throw failure;
  if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs);
}

/** The new set could not be made; the status tells why before the sync fails of it. */
class CreateFailure extends Error {
  readonly set: string;
  readonly outcome: CreateOutcome;

  constructor(set: string, outcome: CreateOutcome, cause: unknown) {
    super(`cannot create replica set ${set}`, { cause });
    this.set = set;
    this.outcome = outcome;
  }
}

interface Progress {
  readonly deployment: Deployment;
  readonly status: DeploymentStatus;
}

async function perform(action: Action, deployment: Deployment, status: DeploymentStatus, context: Context): Promise<Progress> {
  const { client } = context.deps;
  const { recorder } = context;
  const about = referenceTo(DEPLOYMENTS, deployment);
  switch (action.kind) {
    case "createSet":
      return createSet(action, deployment, status, context);
    case "updateSet": {
      const { set, scaledFrom } = action;
      const replicas = replicasOf(set.spec);
      const { via = replicas } = action;
      await client.update(REPLICA_SETS, set);
      const tell = (from: number, to: number) => {
        if (from !== to) recorder.record(about, "Normal", "ScalingReplicaSet", scalingText(set.metadata.name, from, to));
      };
      tell(scaledFrom, via);
      tell(via, replicas);
      return { deployment, status };
    }
    case "deleteSet":
      await client.delete(REPLICA_SETS, action.set.metadata).catch(ignoreNotFound);
      return { deployment, status };
    case "setRevision":
      return { deployment: withRevision(deployment, action.revision), status };
    case "endRollback": {
      const { annotations, template = deployment.spec.template } = action;
      const next = { ...deployment, metadata: { ...deployment.metadata, annotations }, spec: { ...deployment.spec, template } };
      const updated = await client.update(DEPLOYMENTS, next);
      return { deployment: updated, status: updated.status };
    }
    case "event":
      recorder.record(about, action.type, action.reason, action.message);
      return { deployment, status };
  }
}

type CreateSet = Extract<Action, { kind: "createSet" }>;

async function createSet({ set, replicas, revision }: CreateSet, deployment: Deployment, status: DeploymentStatus, context: Context): Promise<Progress> {
  const { deps, recorder } = context;
  const about = referenceTo(DEPLOYMENTS, deployment);
  const { name } = set.metadata;
  const nowMs = deps.clock.now();
  try {
    await deps.client.create(REPLICA_SETS, set);
  } catch (error) {
    if (isStatus(error) && error.hasCause("NamespaceTerminating")) return { deployment, status };
    if (isStatus(error, "AlreadyExists")) {
      const standing = await deps.client.get(REPLICA_SETS, set.metadata);
      const isOurs = controllerOf(standing)?.uid === deployment.metadata.uid && isSameTemplate(standing.spec.template, deployment.spec.template);
      if (isOurs) return { deployment, status };
      throw new CreateFailure(name, { kind: "collision" }, error);
    }
    const message = `Failed to create new replica set ${JSON.stringify(name)}: ${(error as Error).message}`;
    recorder.record(about, "Warning", "ReplicaSetCreateError", message);
    throw new CreateFailure(name, { kind: "failed", message }, error);
  }
  if (replicas > 0) recorder.record(about, "Normal", "ScalingReplicaSet", scalingText(name, 0, replicas));
  return { deployment: withRevision(deployment, revision), status: statusAfterCreate(deployment, status, name, { kind: "created" }, nowMs) };
}

function scalingText(name: string, from: number, to: number): string {
  return `Scaled ${from < to ? "up" : "down"} replica set ${name} from ${from} to ${to}`;
}

/** Written with the status: an annotation that changes there raises no generation. */
function withRevision(deployment: Deployment, revision: string): Deployment {
  const annotations = { ...deployment.metadata.annotations, [REVISION]: revision };
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}

async function writeStatus(deployment: Deployment, status: DeploymentStatus, { deps, deployments }: Context): Promise<void> {
  const known = deployments.get(keyOf(deployment));
  const isNoted = known?.metadata.annotations?.[REVISION] === deployment.metadata.annotations?.[REVISION];
  if (isNoted && isDeepStrictEqual(status, deployment.status)) return;
  await deps.client.updateStatus(DEPLOYMENTS, { ...deployment, status }).catch(ignoreNotFound);
}
