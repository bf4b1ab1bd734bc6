import type * as v1 from "#api/autoscaling-v1/types.ts";
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerBehavior, MetricSpec } from "#api/autoscaling-v2/types.ts";
import type { Mutable } from "#api/strategy.ts";
import { kindSchema, typeSchema } from "#api/schema/table.ts";
import { DecodeError, decodeObject } from "#apimachinery/decode/decode.ts";
import { isObject, type JsonObject } from "#apimachinery/decode/own.ts";
import type { StructSchema } from "#apimachinery/schema/schema.ts";

import { newerSpec, newerStatus, olderSpec, olderStatus } from "./older-metrics.ts";

type Newer = HorizontalPodAutoscaler;
type Older = v1.HorizontalPodAutoscaler;
type Annotations = Readonly<Record<string, string>>;

const METRICS = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior";
const CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions";
const ROUND_TRIP: ReadonlySet<string> = new Set([
  METRICS,
  BEHAVIOR,
  CURRENT_METRICS,
  CONDITIONS,
  "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
  "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
]);

const CPU_PERCENT = 80;

/**
 * What the older version says in the newer one's words: its share of CPU is a metric; others, behavior and conditions stand in
 * annotations, which are left out when nobody can read them.
 *
 * @see kubernetes pkg/apis/autoscaling/v1/conversion.go
 */
export function toNewer({ metadata, spec, status }: Older): Newer {
  const { targetCPUUtilizationPercentage: cpu, ...rest } = spec;
  const { currentCPUUtilizationPercentage: currentCpu, ...counts } = status ?? {};
  const annotations = metadata.annotations ?? {};
  const metrics = [...(listIn(annotations[METRICS], "MetricSpec", newerSpec) ?? []), ...(cpu === undefined ? [] : [cpuMetric(cpu)])];
  const told = listIn(annotations[CURRENT_METRICS], "MetricStatus", newerStatus);
  const ofCpu = currentCpu === undefined ? undefined : [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: currentCpu } } }];
  return canonical("v2", {
    metadata: withAnnotations(metadata, {}),
    spec: { ...rest, metrics: metrics.length > 0 ? metrics : [cpuMetric(CPU_PERCENT)], behavior: behaviorIn(annotations[BEHAVIOR]) },
    status: {
      ...counts,
      currentMetrics: told ?? ofCpu,
      conditions: listIn(annotations[CONDITIONS], "HorizontalPodAutoscalerCondition", (condition) => condition),
    },
  });
}

/** What the newer version says in the older one's words. */
export function toOlder({ metadata, spec, status }: Newer): Older {
  const { metrics, behavior, ...rest } = spec;
  const { currentMetrics, conditions, ...counts } = status ?? {};
  const others = (metrics ?? []).filter((metric) => cpuShare(metric) === undefined);
  return canonical("v1", {
    metadata: withAnnotations(metadata, {
      ...(others.length > 0 && { [METRICS]: textOf("MetricSpec", others.map(olderSpec)) }),
      ...(currentMetrics?.length && { [CURRENT_METRICS]: textOf("MetricStatus", currentMetrics.map(olderStatus)) }),
      ...(behavior && { [BEHAVIOR]: behaviorText(behavior) }),
      ...(conditions?.length && { [CONDITIONS]: textOf("HorizontalPodAutoscalerCondition", conditions) }),
    }),
    spec: { ...rest, targetCPUUtilizationPercentage: firstOf(metrics ?? [], cpuShare) },
    status: { ...counts, currentCPUUtilizationPercentage: currentShare(status) },
  });
}

/** @param autoscaler of either version */
export function newerAutoscaler(autoscaler: Newer | Older): Newer {
  return isOlderAutoscaler(autoscaler) ? toNewer(autoscaler) : (autoscaler as Newer);
}

export function isOlderAutoscaler(autoscaler: Newer | Older | Mutable<Newer | Older>): autoscaler is Mutable<Older> {
  return autoscaler.apiVersion === "autoscaling/v1";
}

/** Whether there are annotations of the older version: the newer one has fields for all that they say, and drops them. */
export function hasRoundTrip({ metadata }: Pick<Newer, "metadata">): boolean {
  return Object.keys(metadata.annotations ?? {}).some((key) => ROUND_TRIP.has(key));
}

export function withoutRoundTrip({ metadata }: Pick<Newer, "metadata">): Newer["metadata"] {
  return withAnnotations(metadata, {});
}

const cpuMetric = (averageUtilization: number): MetricSpec => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});

/** The share of CPU that a metric asks for, when that is what it is. */
function cpuShare({ type, resource }: MetricSpec): number | undefined {
  return type === "Resource" && resource?.name === "cpu" ? resource.target.averageUtilization : undefined;
}

function firstOf<T, R>(list: readonly T[], pick: (each: T) => R | undefined): R | undefined {
  for (const each of list) {
    const found = pick(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The last of them counts. */
function currentShare(status: Newer["status"] | undefined): number | undefined {
  return firstOf((status?.currentMetrics ?? []).toReversed(), ({ type, resource }) =>
    type === "Resource" && resource?.name === "cpu" ? resource.current.averageUtilization : undefined,
  );
}

function canonical<T>(version: "v1" | "v2", object: object): T {
  const schema = kindSchema("autoscaling", version, "HorizontalPodAutoscaler")!;
  return decodeObject<T>(schema, { kind: "HorizontalPodAutoscaler", apiVersion: `autoscaling/${version}`, ...withoutAbsent(object as JsonObject) }).object;
}

/** A decoder takes what is `undefined` for a wrong value. */
function withoutAbsent<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutAbsent) as T;
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, withoutAbsent(inner)]]))) as T;
}

function withAnnotations(metadata: Newer["metadata"], added: Annotations): Newer["metadata"] {
  const { annotations = {}, ...rest } = metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => !ROUND_TRIP.has(key));
  const all = { ...Object.fromEntries(kept), ...added };
  return Object.keys(all).length > 0 ? { ...rest, annotations: all } : rest;
}

const schemaOf = (type: string): StructSchema => typeSchema(`autoscaling/v1.${type}`);

function textOf(type: string, list: readonly object[]): string {
  return goJson(list.map((each) => decodeObject(schemaOf(type), withoutAbsent(each)).object));
}

/** The list in an annotation; `undefined` when there is none, or nobody can read it. */
function listIn<From, To>(text: string | undefined, type: string, convert: (each: From) => To): To[] | undefined {
  const list = text === undefined ? undefined : parsed(text);
  if (!Array.isArray(list)) return undefined;
  return readable(() => list.map((each) => convert(decodeObject<From>(schemaOf(type), each).object)));
}

/** Upstream writes it by the names of the fields in its own program. */
function behaviorText(behavior: HorizontalPodAutoscalerBehavior): string {
  const rules = (one: HorizontalPodAutoscalerBehavior["scaleUp"]) =>
    one
      ? {
          StabilizationWindowSeconds: one.stabilizationWindowSeconds ?? null,
          SelectPolicy: one.selectPolicy ?? null,
          Policies: one.policies?.map(({ type, value, periodSeconds }) => ({ Type: type, Value: value, PeriodSeconds: periodSeconds })) ?? null,
          Tolerance: one.tolerance ?? null,
        }
      : null;
  return goJson({ ScaleUp: rules(behavior.scaleUp), ScaleDown: rules(behavior.scaleDown) });
}

function behaviorIn(text: string | undefined): HorizontalPodAutoscalerBehavior | undefined {
  const value = text === undefined ? undefined : parsed(text);
  if (!isObject(value)) return undefined;
  const schema = typeSchema("autoscaling/v2.HorizontalPodAutoscalerBehavior");
  const behavior = readable(() => decodeObject<HorizontalPodAutoscalerBehavior>(schema, uncapitalized(value)).object);
  return behavior && Object.keys(behavior).length > 0 ? behavior : undefined;
}

function uncapitalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(uncapitalized);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.charAt(0).toLowerCase() + key.slice(1), uncapitalized(inner)]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** JSON as Go writes it: what HTML could take for its own is written by number. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
