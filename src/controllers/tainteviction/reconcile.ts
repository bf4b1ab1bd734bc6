import type { Node, Pod, Taint, Toleration } from "#api/core-v1/types.ts";

/**
 * When a pod has to leave its node for the taints there.
 *
 * @returns milliseconds since the epoch (0: at once), `undefined` when it may stay
 */
export function evictionTimeMs({ spec }: Pod, node: Node, nowMs: number): number | undefined {
  const taints = (node.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
  const times = taints.map((taint) => leavesAtMs(taint, spec.tolerations ?? [], nowMs));
  const due = times.filter((time) => time !== undefined);
  return due.length > 0 ? Math.min(...due) : undefined;
}

/** Of several tolerations the shortest counts; one without seconds tolerates for ever. */
function leavesAtMs(taint: Taint, tolerations: readonly Toleration[], nowMs: number): number | undefined {
  const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
  if (matching.length === 0) return 0;
  const seconds = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  if (seconds.length === 0) return undefined;
  const sinceMs = taint.timeAdded === undefined ? nowMs : Date.parse(taint.timeAdded);
  return sinceMs + Math.max(0, Math.min(...seconds)) * 1000;
}

function tolerates({ key = "", operator = "Equal", value = "", effect = "" }: Toleration, taint: Taint): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  if (operator === "Exists") return true;
  return key !== "" && value === (taint.value ?? "");
}
