import type { ClusterState } from "./cluster/cluster-state.ts";
import type { PodInfo } from "./cluster/pod-info.ts";

/** What happened in the cluster, as far as it can make a refused pod fit. */
export type ClusterEvent = "nodeAdded" | "nodeAllocatable" | "nodeLabels" | "nodeTaints" | "nodeUnschedulable" | "podRemoved" | "podChanged";

/** Why a node will not do. */
export interface Refusal {
  readonly plugin: string;
  /** Upstream's texts; one node may give several. */
  readonly reasons: readonly string[];
  /** Whether removing pods from the node could not help. */
  readonly unresolvable: boolean;
}

/** Looks at one node (by its slot in the node table); `undefined`: it will do. */
export type NodeFilter = (slot: number) => Refusal | undefined;

export interface FilterPlugin {
  readonly name: string;
  /** The events after which a pod that this plugin refused is worth another try. */
  readonly wakesOn: readonly ClusterEvent[];
  /** Looks at the pod once; `undefined`: every node will do. */
  filterFor(pod: PodInfo, cluster: ClusterState): NodeFilter | undefined;
}

/** Scores nodes from 0 to `MAX_NODE_SCORE`, integers. */
export interface NodeScorer {
  score(slot: number): number;
  /** Brings raw scores into range, in place. */
  normalize?(scores: Float64Array): void;
}

export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** Looks at the pod once; `undefined`: the plugin has no preference. */
  scorerFor(pod: PodInfo, cluster: ClusterState): NodeScorer | undefined;
}

export const MAX_NODE_SCORE = 100;

export interface Profile {
  readonly filters: readonly FilterPlugin[];
  readonly scores: readonly ScorePlugin[];
}
