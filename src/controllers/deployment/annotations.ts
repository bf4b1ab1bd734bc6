import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import { fencepostsOf, replicasOf } from "#controllers/deployment/fenceposts.ts";

export const REVISION = "deployment.kubernetes.io/revision";
const REVISION_HISTORY = "deployment.kubernetes.io/revision-history";
export const DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas";
export const MAX_REPLICAS = "deployment.kubernetes.io/max-replicas";
export const ROLLBACK_TO = "deprecated.deployment.rollback.to";
const MAX_HISTORY_CHARS = 2000;

/** Not copied between a deployment and its sets. */
const OWN = new Set(["kubectl.kubernetes.io/last-applied-configuration", REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, ROLLBACK_TO]);

type Annotations = Readonly<Record<string, string>>;
type Annotated = { readonly metadata: { readonly annotations?: Annotations | undefined } };

export function annotationsOf({ metadata }: Annotated): Annotations {
  return metadata.annotations ?? {};
}

/** The revision an object carries: 0 when it has none, `undefined` when it is not a number. */
export function revisionOf(object: Annotated): number | undefined {
  return integer(annotationsOf(object)[REVISION] ?? "0");
}

export function maxRevision(sets: readonly ReplicaSet[]): number {
  return Math.max(0, ...sets.map((set) => revisionOf(set) ?? 0));
}

/** A count that a set's annotation tells, `undefined` when it tells none. */
export function countAnnotation(set: ReplicaSet, name: string): number | undefined {
  const text = annotationsOf(set)[name];
  const count = text === undefined ? undefined : integer(text);
  return count !== undefined && count >= 0 && count <= 2_147_483_647 ? count : undefined;
}

/** What sets of this deployment are told of its size; it shows later whether the size has changed. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const replicas = replicasOf(deployment.spec);
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + fencepostsOf(deployment).maxSurge) };
}

/**
 * The annotations of the set that a deployment rolls out: the deployment's, and a revision above all others. A set that is rolled
 * back to remembers its earlier revisions.
 */
export function newSetAnnotations(deployment: Deployment, current: Annotations, newRevision: number): Annotations {
  const copied = { ...current, ...withoutOwn(annotationsOf(deployment)) };
  const before = integer(current[REVISION] || "0");
  if (before === undefined || before >= newRevision) return copied;
  const history = current[REVISION] === undefined ? {} : revisionHistory(current[REVISION_HISTORY] ?? "", current[REVISION]);
  return { ...copied, [REVISION]: String(newRevision), ...history };
}

/** The deployment's annotations after it is rolled back to `set`: its own, and those that the set was made with. */
export function rolledBackAnnotations(deployment: Deployment, set: ReplicaSet): Annotations {
  const own = Object.entries(annotationsOf(deployment)).filter(([name]) => OWN.has(name));
  return { ...Object.fromEntries(own), ...withoutOwn(annotationsOf(set)) };
}

function withoutOwn(annotations: Annotations): Annotations {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => !OWN.has(name)));
}

/** The earlier revisions, the oldest dropped where the list grows too long. */
function revisionHistory(history: string, revision: string): Annotations {
  const revisions = [...history.split(",").filter((earlier) => earlier !== ""), revision];
  while (revisions.length > 1 && revisions.join(",").length > MAX_HISTORY_CHARS) revisions.shift();
  return { [REVISION_HISTORY]: revisions.join(",") };
}

function integer(text: string): number | undefined {
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}
