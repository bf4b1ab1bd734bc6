import { isDeepStrictEqual } from "node:util";

import { NAMESPACES, PODS } from "#api/builtin.ts";
import type { Namespace, Pod } from "#api/core-v1/types.ts";
import { resourceInfo, type Resource } from "#api/resources.ts";
import type { KubeObject, ObjectKey } from "#apimachinery/object.ts";
import { isStatus } from "#apimachinery/status-error.ts";
import type { Client } from "#client/client.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { deletionConditions, isEmpty, type Outcome, type Remaining } from "#controllers/namespace/reconcile.ts";

const FINALIZER = "kubernetes";
const MAX_RETRY_MS = 60_000;
/** Somebody else's finalizer is looked for again, at growing intervals; pods tell of their end themselves. */
const MIN_CHECK_MS = 1_000;
const MAX_CHECK_MS = 15_000;

/** What extension API servers keep in namespaces. */
export interface RemoteContents {
  readonly resources: readonly Resource[];
  /** Group versions whose server does not say what it has: `wardle.example.com/v1alpha1`. */
  readonly unknown: readonly string[];
}

const NO_REMOTES: RemoteContents = { resources: [], unknown: [] };

/**
 * Empties namespaces that are being deleted, pods first, and lets them go.
 *
 * @param resources every resource that is served, each kind once
 */
export function startNamespaces(deps: ControllerDeps, resources: () => readonly Resource[], remoteContents: () => RemoteContents = () => NO_REMOTES): void {
  const { client, informers } = deps;
  const namespaces = informers.informer(NAMESPACES);
  const pods = informers.informer(PODS);
  const sync = async (key: ObjectKey) => {
    const namespace = namespaces.get(key);
    if (namespace?.metadata.deletionTimestamp === undefined || !isHeld(namespace)) return;
    const remotes = remoteContents();
    const deletable = [...resources().filter(isDeletable), ...remotes.resources];
    // Volumes, secrets and the like outlive the pods that use them.
    let outcome: Outcome | undefined;
    if (pods.inNamespace(key).length > 0) outcome = await empty(client, key, [PODS]);
    if (outcome === undefined || isEmpty(outcome)) outcome = { ...(await empty(client, key, deletable)), undiscovered: remotes.unknown };
    const current = await writeConditions(client, namespace, outcome, deps.clock.now());
    if (isEmpty(outcome)) return finalize(client, current);
    if (outcome.errors.length > 0) throw new Error(`namespace ${key} cannot be emptied`, { cause: outcome.errors[0] });
    const waitedMs = deps.clock.now() - Date.parse(namespace.metadata.deletionTimestamp);
    queue.addAfter(key, Math.min(MAX_CHECK_MS, Math.max(MIN_CHECK_MS, waitedMs)));
  };
  const queue = queueFor(deps, { name: "namespaces", sync, workers: 10, maxRetryMs: MAX_RETRY_MS });
  const enqueue = ({ metadata }: Namespace) => {
    if (metadata.deletionTimestamp !== undefined) queue.add(metadata.name);
  };
  namespaces.onChange({ added: enqueue, updated: enqueue });
  pods.onChange({
    deleted: ({ metadata: { namespace = "" } }: Pod) => {
      if (namespaces.get(namespace)?.metadata.deletionTimestamp !== undefined && pods.inNamespace(namespace).length === 0) queue.add(namespace);
    },
  });
}

const isHeld = ({ spec }: Namespace) => spec?.finalizers?.includes(FINALIZER) ?? false;

function isDeletable({ group, version, plural, namespaced }: Resource): boolean {
  const verbs = resourceInfo(group, version, plural)?.verbs;
  return namespaced && (verbs === undefined || (verbs.includes("delete") && verbs.includes("list")));
}

async function empty(client: Client, namespace: string, resources: readonly Resource[]): Promise<Outcome> {
  const results = await Promise.all(resources.map((resource) => emptyOf(client, namespace, resource)));
  return {
    remaining: results.filter((result): result is Remaining => !(result instanceof Error)),
    errors: results.filter((result): result is Error => result instanceof Error),
  };
}

async function emptyOf(client: Client, namespace: string, resource: Resource): Promise<Remaining | Error> {
  try {
    const before = await client.list(resource, { namespace });
    if (before.items.length === 0) return { resource, count: 0, finalizers: {} };
    await client.deleteCollection(resource, { namespace }, { propagationPolicy: "Background" });
    const { items } = await client.list(resource, { namespace });
    return { resource, count: items.length, finalizers: finalizersOf(items) };
  } catch (error) {
    // A resource that is no longer served holds nothing.
    return isStatus(error, "NotFound", "MethodNotAllowed") ? { resource, count: 0, finalizers: {} } : (error as Error);
  }
}

function finalizersOf(items: readonly KubeObject[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { metadata } of items) for (const name of metadata.finalizers ?? []) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function writeConditions(client: Client, namespace: Namespace, outcome: Outcome, nowMs: number): Promise<Namespace> {
  // A namespace that empties at once needs no word of what was left.
  if (isEmpty(outcome) && (namespace.status?.conditions ?? []).length === 0) return namespace;
  const conditions = deletionConditions(namespace, outcome, nowMs);
  if (isDeepStrictEqual(conditions, namespace.status?.conditions ?? [])) return namespace;
  return client.updateStatus(NAMESPACES, { ...namespace, status: { ...namespace.status, conditions } });
}

async function finalize(client: Client, namespace: Namespace): Promise<void> {
  const finalizers = (namespace.spec.finalizers ?? []).filter((name) => name !== FINALIZER);
  const next = { ...namespace, spec: { ...namespace.spec, finalizers } };
  await client.update(NAMESPACES, next, { subresource: "finalize" }).catch(ignoreNotFound);
}
