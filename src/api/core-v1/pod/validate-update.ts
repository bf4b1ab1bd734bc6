import type * as core from "#api/core-v1/types.ts";
import { type FieldError, fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

import { APP_ARMOR_PREFIX, MIRROR_POD, validatePodAnnotations } from "../pod-spec/annotations.ts";
import { type Errors, rangeMessage, sortedMap } from "../pod-spec/checks.ts";
import { goValue } from "../pod-spec/go-values.ts";
import { type PodSpecOptions, updateOptions } from "../pod-spec/options.ts";
import { checkImagePadding } from "../pod-spec/validate-containers.ts";
import { validateTolerations } from "../pod-spec/validate-scheduling.ts";
import { specDiff } from "./spec-diff.ts";
import { ANNOTATIONS, SPEC, validatePodAsSuch } from "./validate.ts";

const CHANGEABLE = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
];
const MAX_INT32 = 2 ** 31 - 1;

export function podUpdateOptions(old: core.Pod): PodSpecOptions {
  return updateOptions(old.spec, old.metadata.annotations, true);
}

/** @see kubernetes pkg/apis/core/validation/validation.go ValidatePodUpdate */
export function validatePodUpdate(pod: core.Pod, old: core.Pod): FieldError[] {
  const errors: FieldError[] = [];
  const options = podUpdateOptions(old);
  const isChanged = !sameJson(pod.spec, old.spec);
  validatePodAsSuch(errors, pod, options);
  validateAnnotationUpdate(errors, pod, old, options);
  if (!isChanged) return errors;
  for (const list of ["containers", "initContainers"] as const) {
    if (!checkImages(errors, pod.spec[list] ?? [], old.spec[list] ?? [], SPEC.child(list))) return errors;
  }
  if (!checkDeadline(errors, pod.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds, SPEC.child("activeDeadlineSeconds"))) return errors;
  checkTolerations(errors, pod.spec.tolerations ?? [], old.spec.tolerations ?? [], SPEC.child("tolerations"));
  checkGates(errors, pod.spec.schedulingGates ?? [], old.spec.schedulingGates ?? [], SPEC.child("schedulingGates"));
  const rest = withoutChangeable(errors, pod.spec, old.spec);
  if (!sameJson(rest, old.spec)) {
    errors.push(fieldError.forbidden(SPEC, `pod updates may not change fields other than ${CHANGEABLE.join(",")}\n${specDiff(old.spec, rest)}`));
  }
  return errors;
}

/** Marks of the node's own pods, and the older security annotations, stay as they are. */
export function validateAnnotationUpdate(errors: Errors, pod: core.Pod, old: core.Pod, options: PodSpecOptions): void {
  const annotations = pod.metadata.annotations ?? {};
  const before = old.metadata.annotations ?? {};
  for (const key of Object.keys(before).sort()) if (annotations[key] !== before[key]) refuseMarks(errors, key, "remove or update");
  for (const key of Object.keys(annotations).sort()) if (before[key] === undefined) refuseMarks(errors, key, "add");
  validatePodAnnotations(errors, annotations, pod.spec, options, ANNOTATIONS);
}

function refuseMarks(errors: Errors, key: string, verb: string): void {
  if (key.startsWith(APP_ARMOR_PREFIX)) errors.push(fieldError.forbidden(ANNOTATIONS.key(key), `may not ${verb} AppArmor annotations`));
  if (key === MIRROR_POD) errors.push(fieldError.forbidden(ANNOTATIONS.key(key), `may not ${verb} mirror pod annotation`));
}

/** @returns whether the containers can be compared one by one */
function checkImages(errors: Errors, containers: readonly core.Container[], old: readonly core.Container[], path: FieldPath): boolean {
  if (containers.length !== old.length) {
    errors.push(fieldError.forbidden(path, "pod updates may not add or remove containers"));
    return false;
  }
  for (const [i, container] of containers.entries()) {
    if (!container.image) errors.push(fieldError.required(path.index(i).child("image")));
    checkImagePadding(errors, container, path.index(i));
  }
  return true;
}

/** @returns whether the rest is worth looking at */
function checkDeadline(errors: Errors, seconds: number | undefined, old: number | undefined, path: FieldPath): boolean {
  if (seconds === undefined) {
    if (old !== undefined) errors.push(fieldError.invalid(path, null, "must not update from a positive integer to nil value"));
    return true;
  }
  if (seconds < 0 || seconds > MAX_INT32) errors.push(fieldError.invalid(path, seconds, rangeMessage(0, MAX_INT32)));
  else if (old !== undefined && old < seconds) errors.push(fieldError.invalid(path, seconds, "must be less than or equal to previous value"));
  else return true;
  return false;
}

function checkTolerations(errors: Errors, tolerations: readonly core.Toleration[], old: readonly core.Toleration[], path: FieldPath): void {
  const isKept = (before: core.Toleration) =>
    tolerations.some((toleration) => sameJson({ ...before, tolerationSeconds: undefined }, { ...toleration, tolerationSeconds: undefined }));
  if (!old.every(isKept)) errors.push(fieldError.forbidden(path, "existing toleration can not be modified except its tolerationSeconds"));
  else validateTolerations(errors, tolerations, path);
}

function checkGates(errors: Errors, gates: readonly core.PodSchedulingGate[], old: readonly core.PodSchedulingGate[], path: FieldPath): void {
  for (const [i, { name }] of gates.entries()) {
    if (old.some((gate) => gate.name === name)) continue;
    errors.push(fieldError.forbidden(path.index(i).child("name"), `only deletion is allowed, but found new scheduling gate '${name}'`));
  }
}

/** The new spec with what may change set back; what is then left of a difference is refused. */
function withoutChangeable(errors: Errors, spec: core.PodSpec, old: core.PodSpec): core.PodSpec {
  const setBack = (containers: readonly core.Container[] | undefined, before: readonly core.Container[] | undefined) =>
    containers?.map((container, i) => ({ ...container, image: before?.[i]?.image }));
  const wasNegative = (old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1;
  const rest: core.PodSpec = {
    ...spec,
    containers: setBack(spec.containers, old.containers) ?? [],
    initContainers: setBack(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    schedulingGates: old.schedulingGates,
    tolerations: old.tolerations,
    ...(wasNegative && { terminationGracePeriodSeconds: old.terminationGracePeriodSeconds }),
  };
  return old.schedulingGates?.length ? withoutNarrowing(errors, rest, old) : rest;
}

/** Where a pod waits at a gate, the choice of nodes may still become narrower. */
function withoutNarrowing(errors: Errors, spec: core.PodSpec, old: core.PodSpec): core.PodSpec {
  let rest = spec;
  if (!sameJson(spec.nodeSelector, old.nodeSelector)) {
    const isKept = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => spec.nodeSelector?.[key] === value);
    if (!isKept) {
      const detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
      errors.push(fieldError.invalid(SPEC.child("nodeSelector"), sortedMap(spec.nodeSelector), detail));
    }
    rest = { ...rest, nodeSelector: old.nodeSelector };
  }
  const before = old.affinity?.nodeAffinity;
  if (sameJson(spec.affinity?.nodeAffinity, before)) return rest;
  checkNodeAffinity(errors, spec.affinity?.nodeAffinity, before, SPEC.child("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"));
  const { nodeAffinity: _nodeAffinity, ...others } = spec.affinity ?? {};
  const affinity = before ? { ...others, nodeAffinity: before } : old.affinity || others.podAffinity || others.podAntiAffinity ? others : undefined;
  return { ...rest, affinity };
}

function checkNodeAffinity(errors: Errors, affinity: core.NodeAffinity | undefined, old: core.NodeAffinity | undefined, path: FieldPath): void {
  const required = old?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required) return;
  const before = required.nodeSelectorTerms;
  const terms = affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const at = path.child("nodeSelectorTerms");
  if (before.length > 0 && before.length !== terms.length) {
    errors.push(fieldError.invalid(at, goValue("[]NodeSelectorTerm", terms), "no additions/deletions to non-empty NodeSelectorTerms list are allowed"));
    return;
  }
  for (const [i, term] of before.entries()) {
    if (isNarrowed(terms[i]!, term)) continue;
    errors.push(fieldError.invalid(at.index(i), goValue("NodeSelectorTerm", terms[i]), "only additions are allowed (no mutations or deletions)"));
  }
}

function isNarrowed(term: core.NodeSelectorTerm, old: core.NodeSelectorTerm): boolean {
  const startsWith = (list: readonly unknown[] = [], head: readonly unknown[] = []) => sameJson(list.slice(0, head.length), head);
  const isEmpty = !old.matchExpressions?.length && !old.matchFields?.length;
  if (isEmpty) return !term.matchExpressions?.length && !term.matchFields?.length;
  return startsWith(term.matchExpressions, old.matchExpressions) && startsWith(term.matchFields, old.matchFields);
}
