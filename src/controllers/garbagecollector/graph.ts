import { apiVersionOf, type Resource } from "#api/resources.ts";
import type { OwnerReference } from "#apimachinery/meta-v1/types.ts";
import { keyOf, type KubeObject, type ObjectKey } from "#apimachinery/object.ts";

/** What the graph keeps of an object: who it is, and who owns it. */
export interface GraphNode {
  readonly uid: string;
  readonly resource: Resource;
  readonly key: ObjectKey;
  readonly namespace: string;
  readonly owners: readonly OwnerReference[];
  readonly isDeleting: boolean;
  readonly finalizers: readonly string[];
}

export function nodeFor(resource: Resource, object: KubeObject): GraphNode {
  const { uid = "", namespace = "", ownerReferences = [], deletionTimestamp, finalizers = [] } = object.metadata;
  return { uid, resource, key: keyOf(object), namespace, owners: ownerReferences, isDeleting: deletionTimestamp !== undefined, finalizers };
}

/** Whether it waits for its dependents to go before it goes itself. */
export const isWaiting = ({ isDeleting, finalizers }: GraphNode) => isDeleting && finalizers.includes("foregroundDeletion");
export const isOrphaning = ({ isDeleting, finalizers }: GraphNode) => isDeleting && finalizers.includes("orphan");

/** Every object by uid, and who names whom as its owner. A change costs as much as the object has owners. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  dependentsOf(uid: string): readonly GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  put(node: GraphNode): void {
    const before = this.#nodes.get(node.uid);
    if (before !== undefined) this.#unlink(before);
    this.#nodes.set(node.uid, node);
    for (const { uid } of node.owners) {
      const dependents = this.#dependents.get(uid) ?? new Set();
      dependents.add(node.uid);
      this.#dependents.set(uid, dependents);
    }
  }

  remove(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#unlink(node);
    this.#nodes.delete(uid);
  }

  #unlink({ uid, owners }: GraphNode): void {
    for (const owner of owners) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

/** Whether the owner that stands is the one a reference means: same kind, and in reach of the dependent. */
export function isMeant(owner: GraphNode, reference: OwnerReference, dependent: GraphNode): boolean {
  const isKind = owner.resource.kind === reference.kind && groupOf(apiVersionOf(owner.resource)) === groupOf(reference.apiVersion);
  const isNamed = owner.key === (owner.resource.namespaced ? `${owner.namespace}/${reference.name}` : reference.name);
  return isKind && isNamed && (!owner.resource.namespaced || owner.namespace === dependent.namespace);
}

export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}
