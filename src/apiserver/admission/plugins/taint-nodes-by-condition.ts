import type { Node } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { targets } from "#apiserver/admission/plugins/attributes.ts";

const NOT_READY = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" } as const;

/** A new node takes no pods before the node controller has seen it ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  handles: (target) => targets(target, "", "nodes", "CREATE"),
  admit({ object }) {
    const node = object as Mutable<Node>;
    const taints = node.spec?.taints ?? [];
    if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) return;
    node.spec = { ...node.spec, taints: [...taints, { ...NOT_READY }] };
  },
};
