import type * as core from "#api/core-v1/types.ts";
import type { Mutable, SubresourceStrategy } from "#api/strategy.ts";
import { type FieldError, fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

import { MIRROR_POD } from "../pod-spec/annotations.ts";
import type { Errors } from "../pod-spec/checks.ts";
import type { ResourceList } from "../pod-spec/resource-list.ts";
import { isSidecar, qosClass } from "./resources.ts";
import { keepMetadata, raiseGeneration } from "./subresource-metadata.ts";
import { SPEC, validatePodAsSuch } from "./validate.ts";
import { podUpdateOptions } from "./validate-update.ts";

/** Processors and memory of a pod's containers may change while it runs, through this subresource only. */
export const resizeStrategy: SubresourceStrategy<core.Pod> = { prepareForUpdate, validateUpdate };

type Containers = readonly core.Container[] | undefined;

function prepareForUpdate(pod: Mutable<core.Pod>, old: core.Pod): void {
  const { containers, initContainers } = pod.spec;
  // What is added or removed is left for validation to refuse.
  if (containers?.length !== old.spec.containers.length || (initContainers?.length ?? 0) !== (old.spec.initContainers?.length ?? 0)) return;
  keepMetadata(pod, old);
  pod.status = old.status as Mutable<core.PodStatus>;
  const spec: core.PodSpec = {
    ...old.spec,
    containers: withResources(containers, old.spec.containers),
    ...(initContainers && { initContainers: withResources(initContainers, old.spec.initContainers) }),
  };
  pod.spec = spec as Mutable<core.PodSpec>;
  raiseGeneration(pod, old);
}

function withResources(containers: readonly core.Container[], old: Containers): readonly core.Container[] {
  if (containers.some(({ name }, i) => name !== old?.[i]?.name)) return containers;
  return containers.map(({ resources, resizePolicy }, i) => {
    const { resizePolicy: _resizePolicy, ...rest } = old![i]!;
    return { ...rest, resources, ...(resizePolicy && { resizePolicy }) };
  });
}

/** @see kubernetes pkg/apis/core/validation/validation.go ValidatePodResize */
function validateUpdate(pod: core.Pod, old: core.Pod): FieldError[] {
  const refuseAll = (detail: string) => [{ ...fieldError.forbidden(SPEC, detail), field: "[]" }];
  if (old.metadata.annotations?.[MIRROR_POD] !== undefined) return refuseAll("static pods cannot be resized");
  if (old.spec.os?.name === "windows") return refuseAll("windows pods cannot be resized");
  const errors: FieldError[] = [];
  validatePodAsSuch(errors, pod, podUpdateOptions(old));
  if ((old.status.qosClass ?? qosClass(old)) !== qosClass(pod)) {
    errors.push(fieldError.invalid(SPEC, pod.status.qosClass ?? "", "Pod QOS Class may not change as a result of resizing"));
  }
  const running = old.status.containerStatuses?.find(({ state }) => state?.running);
  if (running && !running.resources) errors.push(fieldError.forbidden(SPEC, "Pod running on node without support for resize"));
  if (hasPodResources(old) || hasPodResources(pod)) {
    const detail = "resize of pods with pod-level resources is forbidden when InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled";
    errors.push(...refuseAll(detail));
    return errors;
  }
  if (!checkOrder(errors, pod.spec, old.spec)) return errors;
  checkRemovals(errors, pod.spec.initContainers?.filter(isSidecar), old.spec.initContainers?.filter(isSidecar), SPEC.child("initContainers"));
  checkRemovals(errors, pod.spec.containers, old.spec.containers, SPEC.child("containers"));
  checkOnlyResources(errors, pod.spec, old.spec);
  return errors;
}

function hasPodResources({ spec: { resources } }: core.Pod): boolean {
  return Object.keys({ ...resources?.limits, ...resources?.requests }).length > 0;
}

/** @returns whether the containers are the same ones in the same order */
function checkOrder(errors: Errors, spec: core.PodSpec, old: core.PodSpec): boolean {
  const before = errors.length;
  for (const list of ["containers", "initContainers"] as const) {
    const now = spec[list] ?? [];
    const then = old[list] ?? [];
    if (now.length !== then.length) errors.push(fieldError.forbidden(SPEC.child(list), `${list} may not be added or removed on resize`));
    else {
      for (const [i, { name }] of then.entries()) {
        if (now[i]!.name === name) continue;
        errors.push(fieldError.forbidden(SPEC.child(list).index(i).child("name"), `${list} may not be renamed or reordered on resize`));
      }
    }
  }
  return errors.length === before;
}

function checkRemovals(errors: Errors, containers: Containers, old: Containers, path: FieldPath): void {
  for (const [i, { resources }] of (old ?? []).entries()) {
    for (const kind of ["requests", "limits"] as const) {
      const now = containers?.[i]?.resources?.[kind] ?? {};
      if (Object.keys(resources?.[kind] ?? {}).every((name) => name in now)) continue;
      errors.push(fieldError.forbidden(path.index(i).child("resources", kind), `resource ${kind} cannot be removed`));
    }
  }
}

function checkOnlyResources(errors: Errors, spec: core.PodSpec, old: core.PodSpec): void {
  const before = errors.length;
  for (const [i, container] of spec.containers.entries()) {
    if (!sameJson(withOldAmounts(container, old.containers[i]!), comparable(old.containers[i]!))) {
      errors.push(fieldError.forbidden(SPEC, "only cpu and memory resources are mutable"));
    }
  }
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const then = old.initContainers![i]!;
    if (isSidecar(container)) {
      if (!sameJson(withOldAmounts(container, then), comparable(then))) {
        errors.push(fieldError.forbidden(SPEC, "only cpu and memory resources for sidecar containers are mutable"));
      }
    } else if (!sameJson(container, then)) errors.push(fieldError.forbidden(SPEC, "resources for non-sidecar init containers are immutable"));
  }
  if (errors.length > before) return;
  const rest = { ...spec, containers: old.containers, initContainers: old.initContainers };
  if (!sameJson(rest, old)) errors.push(fieldError.forbidden(SPEC, "only cpu and memory resources are mutable"));
}

/** The container with the processors and memory that it had. */
function withOldAmounts(container: core.Container, old: core.Container): core.Container {
  const setBack = (list: ResourceList | undefined, before: ResourceList | undefined) => normal({ ...list, cpu: before?.["cpu"], memory: before?.["memory"] });
  const { limits, requests } = container.resources ?? {};
  const resources = { limits: setBack(limits, old.resources?.limits), requests: setBack(requests, old.resources?.requests) };
  return { ...container, resources: resources as core.ResourceRequirements };
}

function comparable(container: core.Container): core.Container {
  const { limits, requests, ...rest } = container.resources ?? {};
  return { ...container, resources: { ...rest, limits: normal({ ...limits }), requests: normal({ ...requests }) } as core.ResourceRequirements };
}

/** An empty list is as good as none. */
function normal(list: Readonly<Record<string, string | undefined>>): object | undefined {
  return Object.values(list).some((value) => value !== undefined) ? list : undefined;
}
