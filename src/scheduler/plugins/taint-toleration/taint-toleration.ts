import type { Taint, Toleration } from "#api/core-v1/types.ts";

import { type FilterPlugin, MAX_NODE_SCORE, type Refusal, type ScorePlugin } from "../../framework.ts";
import { tolerates } from "./tolerates.ts";

const REFUSAL: Refusal = { plugin: "TaintToleration", reasons: ["node(s) had untolerated taint(s)"], unresolvable: true };

const isTolerated = (taint: Taint, tolerations: readonly Toleration[]) => tolerations.some((t) => tolerates(t, taint));

/** Refuses nodes with a NoSchedule or NoExecute taint that the pod does not tolerate. */
export const taintToleration: FilterPlugin = {
  name: "TaintToleration",
  wakesOn: ["nodeAdded", "nodeTaints", "podChanged"],
  filterFor({ tolerations }, { nodes }) {
    return (slot) => {
      for (const taint of nodes.taints(slot)) {
        if (taint.effect !== "PreferNoSchedule" && !isTolerated(taint, tolerations)) return REFUSAL;
      }
      return undefined;
    };
  },
};

/** Prefers nodes with fewer PreferNoSchedule taints that the pod does not tolerate. */
export const taintTolerationScore: ScorePlugin = {
  name: "TaintToleration",
  weight: 3,
  scorerFor({ tolerations }, { nodes }) {
    return {
      score: (slot) => nodes.taints(slot).filter((t) => t.effect === "PreferNoSchedule" && !isTolerated(t, tolerations)).length,
      normalize: invert,
    };
  },
};

function invert(scores: Float64Array): void {
  let highest = 0;
  for (const score of scores) highest = Math.max(highest, score);
  for (let i = 0; i < scores.length; i++) {
    scores[i] = highest === 0 ? MAX_NODE_SCORE : MAX_NODE_SCORE - Math.trunc((MAX_NODE_SCORE * scores[i]!) / highest);
  }
}
