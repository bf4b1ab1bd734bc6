import { isPodFinished } from "#api/core-v1/pod/status.ts";
import type { Node, Pod } from "#api/core-v1/types.ts";

import { NodeTable } from "./node-table.ts";
import { podInfo, type PodInfo } from "./pod-info.ts";

interface Placed {
  readonly info: PodInfo;
  readonly nodeName: string;
  isAssumed: boolean;
}

/**
 * The cluster as the scheduler sees it: nodes in columns, and the pods that stand on them or were just sent there
 * ("assumed"). Every change is a delta; nothing is rebuilt.
 */
export class ClusterState {
  readonly nodes = new NodeTable();
  readonly #placed = new Map<string, Placed>();
  /** Pods by node name, also of nodes that are not known (yet, or any more). */
  readonly #onNode = new Map<string, Map<string, PodInfo>>();

  setNode(node: Node): void {
    const { name } = node.metadata;
    const known = this.nodes.slotOf(name) !== undefined;
    const slot = this.nodes.set(node);
    if (!known) for (const info of this.podsOn(name)) this.nodes.account(slot, info, 1);
  }

  removeNode(name: string): void {
    this.nodes.remove(name);
  }

  podsOn(nodeName: string): Iterable<PodInfo> {
    return this.#onNode.get(nodeName)?.values() ?? [];
  }

  /** Counts a bound pod; one that has ended no longer takes anything. */
  setPod(pod: Pod): void {
    if (isPodFinished(pod)) return this.removePod(pod.metadata.uid);
    const placed = this.#placed.get(pod.metadata.uid);
    const isSame = placed?.nodeName === pod.spec.nodeName && placed?.info.pod.metadata.generation === pod.metadata.generation;
    // Only a new generation can ask for other resources.
    if (placed !== undefined && isSame) placed.isAssumed = false;
    else this.#place({ info: podInfo(pod), nodeName: pod.spec.nodeName!, isAssumed: false });
  }

  /** Counts a pod as if it stood on the node already, until `setPod` confirms it or `forget` takes it back. */
  assume(info: PodInfo, nodeName: string): void {
    this.#place({ info, nodeName, isAssumed: true });
  }

  /** Takes an assumption back; a pod that has been seen bound meanwhile, by whomever, stays. */
  forget(uid: string): void {
    if (this.#placed.get(uid)?.isAssumed) this.removePod(uid);
  }

  removePod(uid: string): void {
    const placed = this.#placed.get(uid);
    if (placed === undefined) return;
    this.#placed.delete(uid);
    const pods = this.#onNode.get(placed.nodeName);
    pods?.delete(uid);
    if (pods?.size === 0) this.#onNode.delete(placed.nodeName);
    const slot = this.nodes.slotOf(placed.nodeName);
    if (slot !== undefined) this.nodes.account(slot, placed.info, -1);
  }

  isPlaced(uid: string): boolean {
    return this.#placed.has(uid);
  }

  #place(placed: Placed): void {
    const { info, nodeName } = placed;
    this.removePod(info.uid);
    this.#placed.set(info.uid, placed);
    let pods = this.#onNode.get(nodeName);
    if (pods === undefined) this.#onNode.set(nodeName, (pods = new Map()));
    pods.set(info.uid, info);
    const slot = this.nodes.slotOf(nodeName);
    if (slot !== undefined) this.nodes.account(slot, info, 1);
  }
}
