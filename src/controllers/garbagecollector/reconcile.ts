import type { OwnerReference } from "#apimachinery/meta-v1/types.ts";
import { isOrphaning, isWaiting, type GraphNode } from "#controllers/garbagecollector/graph.ts";

/** What is known of an owner that an object names. */
export type OwnerState = "solid" | "waiting" | "absent" | "unknown";

/** All that one decision may look at. */
export interface Observed {
  readonly node: GraphNode;
  readonly owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[];
  readonly dependents: readonly GraphNode[];
}

export type Policy = "Background" | "Foreground" | "Orphan";

export type Action =
  | { readonly kind: "delete"; readonly policy: Policy }
  /** Takes references out of `node`. */
  | { readonly kind: "dropOwners"; readonly node: GraphNode; readonly uids: readonly string[] }
  | { readonly kind: "removeFinalizer"; readonly name: "foregroundDeletion" | "orphan" }
  /** Looks at others, which have to go first; those that are going already need no push, and there may be thousands. */
  | { readonly kind: "look"; readonly nodes: readonly GraphNode[] };

/** Decides what becomes of an object by its owners, and, while it is being deleted, by its dependents. */
export function reconcileNode({ node, owners, dependents }: Observed): readonly Action[] {
  if (isOrphaning(node)) return letGo(node, dependents);
  if (isWaiting(node)) {
    const blocking = dependents.filter(({ owners: references }) => references.some(({ uid, blockOwnerDeletion }) => uid === node.uid && blockOwnerDeletion));
    return blocking.length === 0
      ? [{ kind: "removeFinalizer", name: "foregroundDeletion" }]
      : [{ kind: "look", nodes: dependents.filter(({ isDeleting }) => !isDeleting) }];
  }
  if (node.isDeleting || owners.length === 0) return [];
  if (owners.some(({ state }) => state === "unknown")) return [];
  const inState = (wanted: OwnerState) => owners.filter(({ state }) => state === wanted).map(({ reference }) => reference.uid);
  const leaving = [...inState("absent"), ...inState("waiting")];
  if (inState("solid").length > 0) return leaving.length === 0 ? [] : [{ kind: "dropOwners", node, uids: leaving }];
  if (inState("waiting").length > 0 && dependents.length > 0) {
    // Two that wait for each other would wait for ever: the circle is opened here.
    const circle = dependents.filter(isWaiting).map((dependent): Action => ({ kind: "dropOwners", node: dependent, uids: [node.uid] }));
    return [...circle, { kind: "delete", policy: "Foreground" }];
  }
  return [{ kind: "delete", policy: policyOf(node) }];
}

function letGo(node: GraphNode, dependents: readonly GraphNode[]): readonly Action[] {
  const drops = dependents.map((dependent): Action => ({ kind: "dropOwners", node: dependent, uids: [node.uid] }));
  return [...drops, { kind: "removeFinalizer", name: "orphan" }];
}

function policyOf({ finalizers }: GraphNode): Policy {
  if (finalizers.includes("orphan")) return "Orphan";
  return finalizers.includes("foregroundDeletion") ? "Foreground" : "Background";
}
