import type { FilterPlugin, Refusal } from "../../framework.ts";
import { tolerates } from "../taint-toleration/tolerates.ts";

const REFUSAL: Refusal = { plugin: "NodeUnschedulable", reasons: ["node(s) were unschedulable"], unresolvable: true };
const CORDON = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

/** Keeps pods off cordoned nodes, unless they tolerate the taint that stands for it. */
export const nodeUnschedulable: FilterPlugin = {
  name: "NodeUnschedulable",
  wakesOn: ["nodeAdded", "nodeUnschedulable"],
  filterFor({ tolerations }, { nodes }) {
    if (tolerations.some((t) => tolerates(t, CORDON))) return undefined;
    return (slot) => (nodes.node(slot).spec.unschedulable ? REFUSAL : undefined);
  },
};
