import { isPodFinished } from "#api/core-v1/pod/status.ts";
import type { Node, Pod } from "#api/core-v1/types.ts";

import { type Case, type Check, uidOf } from "./judge.ts";

export const PODS_PREFIX = "/registry/pods/";
export const NODES_PREFIX = "/registry/minions/";

/** A pod is bound once and for all, and no node is promised more than it has. */
export function bindingsCheck({ disk, accuse }: Case): Check {
  return {
    changed({ key, object, before }) {
      if (!key.startsWith(PODS_PREFIX) || object === undefined) return;
      const [pod, earlier] = [object as Pod, before as Pod | undefined];
      const [nodeName = "", was = ""] = [pod.spec.nodeName, earlier?.spec.nodeName];
      if (was !== "" && nodeName !== was) accuse(`${key} moves from ${was} to ${nodeName || "no node"}`);
      if (nodeName !== "" && was === "") checkRoom(nodeName, pod);
    },
  };

  function checkRoom(nodeName: string, pod: Pod): void {
    const node = disk.get(NODES_PREFIX + nodeName) as Node | undefined;
    if (node === undefined) return; // deleted while the pod was on its way: the collector takes it
    const { allocatable } = node.status ?? {};
    const there = disk.list<Pod>(PODS_PREFIX).filter((other) => other.spec.nodeName === nodeName && !isPodFinished(other));
    const used = there.reduce((sum, other) => sum + milliCpuOf(other), 0);
    // A node that has just come back says later what it has.
    if (allocatable === undefined) return;
    const room = { cpu: Number.parseFloat(allocatable["cpu"] ?? "0") * 1000, pods: Number(allocatable["pods"] ?? 0) };
    if (used > room.cpu) accuse(`${nodeName} is promised ${used}m, and has ${room.cpu}m, with ${pod.metadata.name}`);
    if (there.length > room.pods) accuse(`${nodeName} has ${there.length} pods, and takes ${room.pods}, with ${pod.metadata.name}`);
  }
}

const milliCpuOf = ({ spec }: Pod) =>
  spec.containers.reduce((sum, { resources }) => sum + Number.parseInt(String(resources?.requests?.["cpu"] ?? "0m"), 10), 0);

/** No pod's containers run in two places, and none runs that was not bound there. */
export class RunningCheck {
  readonly #where = new Map<string, string>();
  readonly #case: Case;

  constructor(of: Case) {
    this.#case = of;
  }

  note(uid: string, node: string, isRunning: boolean): void {
    const other = this.#where.get(uid);
    if (!isRunning) {
      if (other === node) this.#where.delete(uid);
      return;
    }
    if (other !== undefined && other !== node) this.#case.accuse(`pod ${uid} runs on ${other} and on ${node}`);
    this.#where.set(uid, node);
    const pod = this.#case.disk.list<Pod>(PODS_PREFIX).find((candidate) => uidOf(candidate) === uid);
    if (pod !== undefined && pod.spec.nodeName !== node) this.#case.accuse(`pod ${uid} runs on ${node}, and is bound to ${pod.spec.nodeName ?? "no node"}`);
  }

  get running(): ReadonlyMap<string, string> {
    return this.#where;
  }
}
