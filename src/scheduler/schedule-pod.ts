import type { Rng } from "#lib/rng.ts";

import type { ClusterState } from "./cluster/cluster-state.ts";
import type { PodInfo } from "./cluster/pod-info.ts";
import type { NodeFilter, NodeScorer, Profile, Refusal } from "./framework.ts";

/** All that one decision may look at. */
export interface Situation {
  readonly pod: PodInfo;
  readonly cluster: ClusterState;
  readonly profile: Profile;
  readonly rng: Rng;
  /** Where in the table the scan begins, so that successive pods look at different nodes first. */
  readonly startAt: number;
}

export type Decision =
  | { readonly fits: true; readonly nodeName: string; readonly scanned: number }
  | { readonly fits: false; readonly refusals: readonly Refusal[]; readonly nodeCount: number };

/** Finds the pod's node: filters until enough nodes fit, scores those, and draws among the best. */
export function schedulePod({ pod, cluster, profile, rng, startAt }: Situation): Decision {
  const { slots } = cluster.nodes;
  const filters = profile.filters.map((plugin) => plugin.filterFor(pod, cluster)).filter((f) => f !== undefined);
  const enough = feasibleNodesToFind(slots.length);
  const feasible: number[] = [];
  const refusals: Refusal[] = [];
  let scanned = 0;
  for (; scanned < slots.length && feasible.length < enough; scanned++) {
    const slot = slots[(startAt + scanned) % slots.length]!;
    const refusal = firstRefusal(filters, slot);
    if (refusal === undefined) feasible.push(slot);
    else refusals.push(refusal);
  }
  if (feasible.length === 0) return { fits: false, refusals, nodeCount: slots.length };
  const best = feasible.length === 1 ? feasible[0]! : bestOf(feasible, pod, cluster, profile, rng);
  return { fits: true, nodeName: cluster.nodes.node(best).metadata.name, scanned };
}

const MIN_FEASIBLE_NODES = 100;

/**
 * How many nodes that fit are enough to choose from: all of up to 100, then a share that falls with the cluster's size.
 *
 * @see kubernetes pkg/scheduler/schedule_one.go numFeasibleNodesToFind
 */
export function feasibleNodesToFind(nodeCount: number): number {
  if (nodeCount < MIN_FEASIBLE_NODES) return nodeCount;
  const percentage = Math.max(5, 50 - Math.trunc(nodeCount / 125));
  return Math.max(MIN_FEASIBLE_NODES, Math.trunc((nodeCount * percentage) / 100));
}

function firstRefusal(filters: readonly NodeFilter[], slot: number): Refusal | undefined {
  for (const filter of filters) {
    const refusal = filter(slot);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function bestOf(feasible: readonly number[], pod: PodInfo, cluster: ClusterState, profile: Profile, rng: Rng): number {
  const totals = new Float64Array(feasible.length);
  for (const plugin of profile.scores) {
    const scorer = plugin.scorerFor(pod, cluster);
    if (scorer !== undefined) addScores(totals, feasible, scorer, plugin.weight);
  }
  return pickHighest(feasible, totals, rng);
}

function addScores(totals: Float64Array, feasible: readonly number[], scorer: NodeScorer, weight: number): void {
  const scores = new Float64Array(feasible.length);
  for (let i = 0; i < scores.length; i++) scores[i] = scorer.score(feasible[i]!);
  scorer.normalize?.(scores);
  for (let i = 0; i < totals.length; i++) totals[i]! += weight * scores[i]!;
}

/** The node with the highest total; each of several has the same chance. */
function pickHighest(feasible: readonly number[], totals: Float64Array, rng: Rng): number {
  let best = 0;
  let ties = 1;
  for (let i = 1; i < totals.length; i++) {
    if (totals[i]! > totals[best]!) {
      best = i;
      ties = 1;
    } else if (totals[i] === totals[best] && rng() * ++ties < 1) {
      best = i;
    }
  }
  return feasible[best]!;
}
