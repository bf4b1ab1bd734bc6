import type { Toleration } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { podOf, targets } from "#apiserver/admission/plugins/attributes.ts";

const KEYS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const TOLERATION_SECONDS = 300;

/** Pods stay for a while on a node that is not ready or unreachable, unless they say otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  handles: (target) => targets(target, "", "pods", "CREATE", "UPDATE"),
  admit(attributes) {
    const { spec } = podOf(attributes);
    const present = spec.tolerations ?? [];
    const tolerated = (key: string) =>
      present.some((toleration) => (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === "NoExecute"));
    const missing = KEYS.filter((key) => !tolerated(key));
    if (missing.length > 0) spec.tolerations = [...present, ...missing.map(defaultToleration)];
  },
};

const defaultToleration = (key: string): Mutable<Toleration> => ({
  key,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: TOLERATION_SECONDS,
});
