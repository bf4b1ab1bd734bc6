import type { FilterPlugin, Refusal } from "../../framework.ts";

const REFUSAL: Refusal = { plugin: "NodeName", reasons: ["node(s) didn't match the requested node name"], unresolvable: true };

/** A pod that names its node goes there or nowhere. */
export const nodeName: FilterPlugin = {
  name: "NodeName",
  wakesOn: ["nodeAdded"],
  filterFor({ pod }, { nodes }) {
    const wanted = pod.spec.nodeName;
    if (!wanted) return undefined;
    return (slot) => (nodes.node(slot).metadata.name === wanted ? undefined : REFUSAL);
  },
};
