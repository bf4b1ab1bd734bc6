import { resourceInfo, type Resource } from "#api/resources.ts";
import type { OwnerReference } from "#apimachinery/meta-v1/types.ts";
import { splitKey, type KubeObject } from "#apimachinery/object.ts";
import { referenceTo, type EventRecorder } from "#client/event-recorder.ts";
import type { Informer } from "#client/informer.ts";
import type { WorkQueue } from "#client/work-queue.ts";
import { queueFor, type ControllerDeps } from "#controllers/common/deps.ts";
import { ignoreNotFound } from "#controllers/common/ignore-not-found.ts";
import { groupOf, isMeant, isWaiting, nodeFor, OwnerGraph, type GraphNode } from "#controllers/garbagecollector/graph.ts";
import { reconcileNode, type Action, type OwnerState } from "#controllers/garbagecollector/reconcile.ts";

const WORKERS = 20;

/** Deletes what has lost its owners, in the manner their deletion asked for. */
class GarbageCollector {
  readonly #deps: ControllerDeps;
  readonly #graph = new OwnerGraph();
  readonly #queue: WorkQueue;
  readonly #recorder: EventRecorder;
  readonly #followed = new Map<string, { readonly resource: Resource; readonly informer: Informer<KubeObject> }>();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#recorder = deps.recorderFor("garbage-collector-controller");
    this.#queue = queueFor(deps, { name: "garbagecollector", sync: (uid) => this.#sync(uid), workers: WORKERS });
  }

  /** Follows resources that it does not follow yet; one of each kind, whatever its version. */
  follow(resources: readonly Resource[]): void {
    for (const resource of resources) {
      const id = `${resource.group}/${resource.kind}`;
      if (this.#followed.has(id) || !isCollectable(resource)) continue;
      const informer = this.#deps.informers.informer(resource);
      this.#followed.set(id, { resource, informer });
      informer.onChange({
        added: (object) => this.#learn(resource, object),
        updated: (object) => this.#learn(resource, object),
        deleted: (object) => this.#forget(nodeFor(resource, object)),
      });
    }
  }

  #learn(resource: Resource, object: KubeObject): void {
    const node = nodeFor(resource, object);
    const before = this.#graph.get(node.uid);
    this.#graph.put(node);
    if (node.isDeleting) {
      if (node.finalizers.length > 0) this.#queue.add(node.uid);
      if (isWaiting(node) && !(before !== undefined && isWaiting(before))) this.#lookAt(this.#graph.dependentsOf(node.uid));
    } else if (node.owners.length > 0 && node.owners.some((reference) => this.#stateOf(reference, node) !== "solid")) this.#queue.add(node.uid);
    // A dependent that no longer blocks may be what an owner waits for.
    if (before !== undefined && before.owners !== node.owners) this.#wakeOwners(before);
  }

  #forget(node: GraphNode): void {
    const dependents = this.#graph.dependentsOf(node.uid);
    this.#graph.remove(node.uid);
    this.#lookAt(dependents);
    this.#wakeOwners(node);
  }

  #lookAt(nodes: readonly GraphNode[]): void {
    for (const { uid } of nodes) this.#queue.add(uid);
  }

  #wakeOwners({ owners }: GraphNode): void {
    for (const { uid } of owners) {
      const owner = this.#graph.get(uid);
      if (owner !== undefined && isWaiting(owner)) this.#queue.add(uid);
    }
  }

  #stateOf(reference: OwnerReference, dependent: GraphNode): OwnerState | undefined {
    const owner = this.#graph.get(reference.uid);
    if (owner === undefined || !isMeant(owner, reference, dependent)) return undefined;
    return isWaiting(owner) ? "waiting" : "solid";
  }

  async #sync(uid: string): Promise<void> {
    const node = this.#graph.get(uid);
    if (node === undefined) return;
    const owners = node.isDeleting
      ? []
      : await Promise.all(
          node.owners.map(async (reference) => ({ reference, state: this.#stateOf(reference, node) ?? (await this.#askFor(reference, node)) })),
        );
    for (const action of reconcileNode({ node, owners, dependents: this.#graph.dependentsOf(uid) })) await this.#perform(action, node);
  }

  /** Only the API's own word counts for an owner that the graph does not know. */
  async #askFor(reference: OwnerReference, dependent: GraphNode): Promise<OwnerState> {
    const followed = this.#followed.get(`${groupOf(reference.apiVersion)}/${reference.kind}`);
    // A kind that is not served may be served again; and a namespaced owner of a cluster-wide object is a mistake that deletes nothing.
    if (followed === undefined || (followed.resource.namespaced && !dependent.resource.namespaced)) return "unknown";
    try {
      const namespace = followed.resource.namespaced ? { namespace: dependent.namespace } : {};
      const owner = await this.#deps.client.get(followed.resource, { ...namespace, name: reference.name });
      if (owner.metadata.uid === reference.uid) return isWaiting(nodeFor(followed.resource, owner)) ? "waiting" : "solid";
    } catch (error) {
      ignoreNotFound(error);
    }
    if (this.#graph.get(reference.uid) !== undefined) this.#tellMisplaced(reference, dependent);
    return "absent";
  }

  #tellMisplaced(reference: OwnerReference, dependent: GraphNode): void {
    const object = this.#objectOf(dependent);
    if (object === undefined) return;
    const { apiVersion, kind, name, uid } = reference;
    const owner = `[${apiVersion}/${kind}, namespace: ${dependent.namespace}, name: ${name}, uid: ${uid}]`;
    const message = `ownerRef ${owner} does not exist in namespace ${JSON.stringify(dependent.namespace)}`;
    this.#recorder.record(referenceTo(dependent.resource, object), "Warning", "OwnerRefInvalidNamespace", message);
  }

  #objectOf({ resource, key, uid }: GraphNode): KubeObject | undefined {
    const object = this.#followed.get(`${resource.group}/${resource.kind}`)?.informer.get(key);
    return object?.metadata.uid === uid ? object : undefined;
  }

  async #perform(action: Action, node: GraphNode): Promise<void> {
    switch (action.kind) {
      case "look":
        return this.#lookAt(action.nodes);
      case "delete": {
        const { client } = this.#deps;
        const resourceVersion = this.#objectOf(node)?.metadata.resourceVersion;
        const preconditions = { uid: node.uid, ...(resourceVersion !== undefined && { resourceVersion }) };
        return client.delete(node.resource, splitKey(node.key) as { name: string }, { propagationPolicy: action.policy, preconditions }).catch(ignoreNotFound);
      }
      case "dropOwners":
        return this.#patch(action.node, ({ metadata }) => ({
          ownerReferences: (metadata.ownerReferences ?? []).filter(({ uid }) => !action.uids.includes(uid)),
        }));
      case "removeFinalizer":
        return this.#patch(node, ({ metadata }) => ({ finalizers: (metadata.finalizers ?? []).filter((name) => name !== action.name) }));
    }
  }

  /** A list in a merge patch is replaced whole: the version makes sure that it is the list we saw. */
  async #patch(node: GraphNode, change: (object: KubeObject) => object): Promise<void> {
    const object = this.#objectOf(node);
    if (object === undefined) return;
    const metadata = { uid: node.uid, resourceVersion: object.metadata.resourceVersion, ...change(object) };
    await this.#deps.client.patch(node.resource, object.metadata, "merge", { metadata }).catch(ignoreNotFound);
  }
}

/** Starts the collector on everything that is served. */
export function startGarbageCollector(deps: ControllerDeps, resources: () => readonly Resource[]): GarbageCollector {
  const collector = new GarbageCollector(deps);
  collector.follow(resources());
  return collector;
}

/** Events own nothing and are owned by nothing, and come by the thousand. */
function isCollectable(resource: Resource): boolean {
  if (resource.kind === "Event") return false;
  const { group, version, plural } = resource;
  const verbs = resourceInfo(group, version, plural)?.verbs;
  return verbs === undefined || ["list", "watch", "delete"].every((verb) => verbs.includes(verb));
}
