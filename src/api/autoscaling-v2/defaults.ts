import type { HorizontalPodAutoscaler, HPAScalingRules } from "#api/autoscaling-v2/types.ts";
import { wasEmptied } from "#apimachinery/decode/emptied.ts";
import type { Mutable } from "#api/strategy.ts";

const CPU_PERCENT = 80;
const PERIOD_SECONDS = 15;

/** @see kubernetes pkg/apis/autoscaling/v2/defaults.go */
export function applyAutoscalerDefaults({ spec }: Mutable<HorizontalPodAutoscaler>): void {
  if (!spec) return;
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) {
    spec.metrics = [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: CPU_PERCENT } } }];
  }
  if (!spec.behavior) return;
  spec.behavior.scaleUp = { ...scaleUp(), ...given(spec.behavior.scaleUp) };
  spec.behavior.scaleDown = { ...scaleDown(), ...given(spec.behavior.scaleDown) };
}

type Rules = Mutable<HPAScalingRules>;

const percent = (value: number) => ({ type: "Percent", value, periodSeconds: PERIOD_SECONDS });

const scaleUp = (): Rules => ({
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [{ type: "Pods", value: 4, periodSeconds: PERIOD_SECONDS }, percent(100)],
});

/** How long to wait before fewer replicas is the controller's to say. */
const scaleDown = (): Rules => ({ selectPolicy: "Max", policies: [percent(100)] });

/** Policies that were sent empty are none, and refused. */
function given(rules: Rules | undefined): Partial<Rules> {
  if (wasEmptied(rules, "policies")) return { ...rules, policies: [] };
  return Object.fromEntries(Object.entries(rules ?? {}).filter(([, value]) => value !== undefined && value !== null));
}
