import { type FilterPlugin, MAX_NODE_SCORE, type Refusal, type ScorePlugin } from "../../framework.ts";
import { matchesAnyTerm, matchesTerm } from "./node-selector.ts";

const REFUSAL: Refusal = { plugin: "NodeAffinity", reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true };

/** Refuses nodes that the pod's nodeSelector or required node affinity does not name. */
export const nodeAffinity: FilterPlugin = {
  name: "NodeAffinity",
  wakesOn: ["nodeAdded", "nodeLabels"],
  filterFor({ pod }, { nodes }) {
    const selector = Object.entries(pod.spec.nodeSelector ?? {});
    const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if (selector.length === 0 && required === undefined) return undefined;
    return (slot) => {
      const node = nodes.node(slot);
      const labels = node.metadata.labels ?? {};
      const isSelected = selector.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
      return isSelected && (required === undefined || matchesAnyTerm(required.nodeSelectorTerms ?? [], node)) ? undefined : REFUSAL;
    };
  },
};

/** Prefers nodes that match the pod's preferred terms, by the sum of their weights. */
export const nodeAffinityScore: ScorePlugin = {
  name: "NodeAffinity",
  weight: 2,
  scorerFor({ pod }, { nodes }) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (preferred.length === 0) return undefined;
    return {
      score: (slot) => preferred.reduce((sum, { weight, preference }) => sum + (matchesTerm(preference, nodes.node(slot)) ? weight : 0), 0),
      normalize: toFullScale,
    };
  },
};

function toFullScale(scores: Float64Array): void {
  const highest = Math.max(...scores);
  if (highest === 0) return;
  for (let i = 0; i < scores.length; i++) scores[i] = Math.trunc((MAX_NODE_SCORE * scores[i]!) / highest);
}
