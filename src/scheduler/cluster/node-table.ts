import type { Node, Taint } from "#api/core-v1/types.ts";

import { amountOf, type PodInfo } from "./pod-info.ts";

/** One resource over all nodes: what each can give and what its pods ask, by slot. */
export interface ResourceColumn {
  allocatable: Float64Array;
  requested: Float64Array;
}

const INITIAL_SLOTS = 64;
const NO_TAINTS: readonly Taint[] = [];

/**
 * Nodes in columns: each has a slot, and each number that filters and scores read stands in a typed array at that slot.
 * Changed by deltas only; a pod that comes or goes costs the resources it asks, whatever the size of the cluster.
 */
export class NodeTable {
  readonly #slotOf = new Map<string, number>();
  readonly #columns = new Map<string, ResourceColumn>();
  readonly #free: number[] = [];
  readonly #nodes: (Node | undefined)[] = [];
  readonly #ports: (Map<string, number> | undefined)[] = [];
  #capacity = INITIAL_SLOTS;
  /** Slots in use, in no order. */
  #live: number[] = [];
  #livePlace: number[] = [];
  podCount = new Float64Array(INITIAL_SLOTS);
  scoredMilliCpu = new Float64Array(INITIAL_SLOTS);
  scoredMemoryBytes = new Float64Array(INITIAL_SLOTS);

  /** The slots in use. */
  get slots(): readonly number[] {
    return this.#live;
  }

  slotOf(name: string): number | undefined {
    return this.#slotOf.get(name);
  }

  node(slot: number): Node {
    return this.#nodes[slot]!;
  }

  taints(slot: number): readonly Taint[] {
    return this.#nodes[slot]!.spec.taints ?? NO_TAINTS;
  }

  /** Host ports taken on the node: `protocol/port/ip` → how often. */
  ports(slot: number): ReadonlyMap<string, number> | undefined {
    return this.#ports[slot];
  }

  /** The column of a resource, `undefined` when no node has ever offered it. */
  column(resource: string): ResourceColumn | undefined {
    return this.#columns.get(resource);
  }

  /** Adds the node or takes over its new state; its pods' sums stay. */
  set(node: Node): number {
    const slot = this.#slotOf.get(node.metadata.name) ?? this.#occupy(node.metadata.name);
    this.#nodes[slot] = node;
    const allocatable = node.status.allocatable ?? {};
    for (const [name, column] of this.#columns) if (allocatable[name] === undefined) column.allocatable[slot] = 0;
    for (const [name, quantity] of Object.entries(allocatable)) this.#columnFor(name).allocatable[slot] = amountOf(name, quantity);
    return slot;
  }

  remove(name: string): void {
    const slot = this.#slotOf.get(name);
    if (slot === undefined) return;
    this.#slotOf.delete(name);
    this.#nodes[slot] = undefined;
    this.#ports[slot] = undefined;
    for (const column of this.#columns.values()) column.allocatable[slot] = column.requested[slot] = 0;
    this.podCount[slot] = this.scoredMilliCpu[slot] = this.scoredMemoryBytes[slot] = 0;
    const place = this.#livePlace[slot]!;
    const last = this.#live.pop()!;
    if (last !== slot) {
      this.#live[place] = last;
      this.#livePlace[last] = place;
    }
    this.#free.push(slot);
  }

  /** Counts a pod in (`sign` 1) or out (-1) at its node. */
  account(slot: number, pod: PodInfo, sign: 1 | -1): void {
    for (const [name, amount] of pod.requests) this.#columnFor(name).requested[slot]! += sign * amount;
    this.podCount[slot]! += sign;
    this.scoredMilliCpu[slot]! += sign * pod.scoredMilliCpu;
    this.scoredMemoryBytes[slot]! += sign * pod.scoredMemoryBytes;
    for (const { ip, protocol, port } of pod.hostPorts) {
      const ports = (this.#ports[slot] ??= new Map());
      const key = `${protocol}/${port}/${ip}`;
      const count = (ports.get(key) ?? 0) + sign;
      if (count > 0) ports.set(key, count);
      else ports.delete(key);
    }
  }

  #columnFor(resource: string): ResourceColumn {
    let column = this.#columns.get(resource);
    if (column === undefined) {
      column = { allocatable: new Float64Array(this.#capacity), requested: new Float64Array(this.#capacity) };
      this.#columns.set(resource, column);
    }
    return column;
  }

  #occupy(name: string): number {
    const slot = this.#free.pop() ?? this.#nodes.length;
    if (slot >= this.#capacity) this.#grow();
    this.#slotOf.set(name, slot);
    this.#nodes[slot] = undefined;
    this.#livePlace[slot] = this.#live.push(slot) - 1;
    return slot;
  }

  #grow(): void {
    this.#capacity *= 2;
    const wider = (from: Float64Array) => {
      const to = new Float64Array(this.#capacity);
      to.set(from);
      return to;
    };
    for (const column of this.#columns.values()) {
      column.allocatable = wider(column.allocatable);
      column.requested = wider(column.requested);
    }
    this.podCount = wider(this.podCount);
    this.scoredMilliCpu = wider(this.scoredMilliCpu);
    this.scoredMemoryBytes = wider(this.scoredMemoryBytes);
  }
}
