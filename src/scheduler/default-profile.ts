import type { Profile } from "./framework.ts";
import { nodeAffinity, nodeAffinityScore } from "./plugins/node-affinity/node-affinity.ts";
import { nodeName } from "./plugins/node-name/node-name.ts";
import { nodePorts } from "./plugins/node-ports/node-ports.ts";
import { balancedAllocation } from "./plugins/node-resources-balanced-allocation/balanced-allocation.ts";
import { leastAllocated, nodeResourcesFit } from "./plugins/node-resources-fit/node-resources-fit.ts";
import { nodeUnschedulable } from "./plugins/node-unschedulable/node-unschedulable.ts";
import { taintToleration, taintTolerationScore } from "./plugins/taint-toleration/taint-toleration.ts";

/** The plugins of `default-scheduler`, in upstream's order: the first refusal of a node is the one told. */
export const DEFAULT_PROFILE: Profile = {
  filters: [nodeUnschedulable, nodeName, taintToleration, nodeAffinity, nodePorts, nodeResourcesFit],
  scores: [taintTolerationScore, nodeAffinityScore, leastAllocated, balancedAllocation],
};
