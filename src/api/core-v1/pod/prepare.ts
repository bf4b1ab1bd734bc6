import type * as core from "#api/core-v1/types.ts";
import type { Mutable, StrategyContext } from "#api/strategy.ts";
import type { LabelSelector } from "#apimachinery/meta-v1/types.ts";

import { APP_ARMOR_PREFIX, appArmorProfileOf } from "../pod-spec/annotations.ts";
import { syncServiceAccount } from "../pod-spec/defaults.ts";
import { dropDisabledFields } from "../pod-spec/drop-disabled.ts";
import { qosClass } from "./resources.ts";

type PodDraft = Mutable<core.Pod>;
type Labels = Readonly<Record<string, string>>;

/** @see kubernetes pkg/registry/core/pod/strategy.go PrepareForCreate */
export function prepareForCreate(pod: PodDraft, { now }: StrategyContext): void {
  pod.status = { phase: "Pending", qosClass: qosClass(pod) };
  dropDisabledFields(pod.spec);
  syncServiceAccount(pod.spec);
  if (pod.spec.schedulingGates?.length) pod.status.conditions = [{ ...GATED, lastTransitionTime: now }];
  mergeLabelKeys(pod);
  copyAppArmorAnnotations(pod);
}

const GATED = {
  type: "PodScheduled",
  status: "False",
  lastProbeTime: null as unknown as string, // what Go writes for a time that is not set
  reason: "SchedulingGated",
  message: "Scheduling is blocked due to non-empty scheduling gates",
};

/** Selectors that follow the pod's own labels get the values that these have now. */
function mergeLabelKeys({ metadata, spec }: PodDraft): void {
  const labels = metadata.labels ?? {};
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    for (const { podAffinityTerm } of affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) mergeTerm(podAffinityTerm, labels);
    for (const term of affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) mergeTerm(term, labels);
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) {
    if (constraint.labelSelector) mergeKeys(constraint.labelSelector, constraint.matchLabelKeys, "In", labels);
  }
}

function mergeTerm(term: Mutable<core.PodAffinityTerm> | undefined, labels: Labels): void {
  if (!term?.labelSelector) return;
  mergeKeys(term.labelSelector, term.matchLabelKeys, "In", labels);
  mergeKeys(term.labelSelector, term.mismatchLabelKeys, "NotIn", labels);
}

function mergeKeys(selector: Mutable<LabelSelector>, keys: readonly string[] | undefined, operator: string, labels: Labels): void {
  for (const key of keys ?? []) {
    const value = labels[key];
    if (value !== undefined) (selector.matchExpressions ??= []).push({ key, operator, values: [value] });
  }
}

/** The older annotations fill in the fields that replaced them. */
function copyAppArmorAnnotations({ metadata, spec }: PodDraft): void {
  const { annotations } = metadata;
  if (annotations === undefined || spec.os?.name === "windows") return;
  for (const list of [spec.initContainers, spec.containers, spec.ephemeralContainers]) {
    for (const container of list ?? []) {
      const annotation = annotations[APP_ARMOR_PREFIX + container.name];
      if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
      const profile = validProfile(annotation);
      if (profile && !isSameProfile(profile, spec.securityContext?.appArmorProfile)) (container.securityContext ??= {}).appArmorProfile = profile;
    }
  }
}

const MAX_PATH_LENGTH = 4095;

function validProfile(annotation: string): core.AppArmorProfile | undefined {
  const profile = appArmorProfileOf(annotation);
  const local = profile?.localhostProfile;
  return local !== undefined && (local.trim() !== local || local.length > MAX_PATH_LENGTH) ? undefined : profile;
}

export function isSameProfile(a: core.AppArmorProfile, b: core.AppArmorProfile | undefined): boolean {
  return b !== undefined && a.type === b.type && a.localhostProfile === b.localhostProfile;
}
