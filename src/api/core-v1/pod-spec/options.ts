import type * as core from "#api/core-v1/types.ts";
import { isLabelValue } from "#apimachinery/validation/names.ts";

import { anyPath, checkVolumeFilePath, type Errors } from "./checks.ts";
import { isDivisible, isHugePages } from "./validate-resources.ts";
import { hasInvalidSelector, validateLabelKeys } from "./validate-scheduling.ts";
import { hostSysctl } from "./validate-security.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";

/** Where rules differ: pods and templates, and mistakes that an older release has let in. */
export interface PodSpecOptions {
  readonly isPod: boolean;
  readonly allowIndivisibleHugePages: boolean;
  readonly allowInvalidSelectorValues: boolean;
  readonly allowInvalidNodeAffinityValues: boolean;
  readonly allowInvalidSpreadSelectors: boolean;
  readonly allowRepeatedMatchLabelKeys: boolean;
  readonly allowNonLocalTokenPath: boolean;
  readonly allowHostSysctls: boolean;
  readonly allowOnlyRecursiveSELinuxChange: boolean;
  readonly allowUserNamespaceDevices: boolean;
  readonly allowHostNetworkInUserNamespace: boolean;
  readonly allowInvalidDeletionCost: boolean;
}

const STRICT: PodSpecOptions = {
  isPod: false,
  allowIndivisibleHugePages: false,
  allowInvalidSelectorValues: false,
  allowInvalidNodeAffinityValues: false,
  allowInvalidSpreadSelectors: false,
  allowRepeatedMatchLabelKeys: false,
  allowNonLocalTokenPath: false,
  allowHostSysctls: false,
  allowOnlyRecursiveSELinuxChange: true,
  allowUserNamespaceDevices: false,
  allowHostNetworkInUserNamespace: false,
  allowInvalidDeletionCost: false,
};
const STRICT_POD: PodSpecOptions = { ...STRICT, isPod: true };

/** The rules for a new pod or template. */
export function createOptions(isPod: boolean): PodSpecOptions {
  return isPod ? STRICT_POD : STRICT;
}

/**
 * The rules for a changed one: what the stored one has may stay.
 *
 * @see kubernetes pkg/api/pod/util.go GetValidationOptionsFromPodSpecAndMeta
 */
export function updateOptions(old: core.PodSpec, annotations: Readonly<Record<string, string>> | undefined, isPod: boolean): PodSpecOptions {
  const spread = old.topologySpreadConstraints ?? [];
  const required = old.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return {
    isPod,
    allowIndivisibleHugePages: hasIndivisibleHugePages(old),
    allowInvalidSelectorValues: old.affinity !== undefined && affinityTerms(old.affinity).some((term) => hasInvalidSelector(term, anyPath)),
    allowInvalidNodeAffinityValues: required !== undefined && hasInvalidNodeValues(required),
    allowInvalidSpreadSelectors: spread.some(({ labelSelector }) => labelSelector && validateLabelSelector(labelSelector, anyPath).length > 0),
    allowRepeatedMatchLabelKeys: spread.some((c) => fails((errors) => validateLabelKeys(errors, c.matchLabelKeys, undefined, c.labelSelector, anyPath))),
    allowNonLocalTokenPath: hasNonLocalTokenPath(old),
    allowHostSysctls: (old.securityContext?.sysctls ?? []).some(({ name }) => hostSysctl(old, name) !== undefined),
    allowOnlyRecursiveSELinuxChange: old.securityContext?.seLinuxChangePolicy === undefined,
    allowUserNamespaceDevices: old.hostUsers === false && allContainers(old).some(({ volumeDevices }) => volumeDevices?.length),
    allowHostNetworkInUserNamespace: old.hostUsers === false && old.hostNetwork === true,
    allowInvalidDeletionCost: !isDeletionCost(annotations?.[DELETION_COST]),
  };
}

export const DELETION_COST = "controller.kubernetes.io/pod-deletion-cost";
const INT32 = /^(?:0|-?[1-9][0-9]*)$/;

/** Whether the annotation is one that controllers can read; none at all means 0. */
export function isDeletionCost(text: string | undefined): boolean {
  return text === undefined || (INT32.test(text) && Math.abs(Number(text) + 0.5) < 2 ** 31);
}

/** Init containers, containers and ephemeral ones, in the order in which upstream visits them. */
export function allContainers(spec: core.PodSpec): readonly core.Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function fails(check: (errors: Errors) => void): boolean {
  const errors: Errors = [];
  check(errors);
  return errors.length > 0;
}

function hasIndivisibleHugePages(spec: core.PodSpec): boolean {
  const isBad = (list: Readonly<Record<string, string>> | undefined) =>
    Object.entries(list ?? {}).some(([name, quantity]) => isHugePages(name) && !isDivisible(name, quantity));
  return isBad(spec.overhead) || allContainers(spec).some(({ resources }) => isBad(resources?.limits) || isBad(resources?.requests));
}

function affinityTerms({ podAffinity, podAntiAffinity }: core.Affinity): core.PodAffinityTerm[] {
  return [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
}

function hasInvalidNodeValues({ nodeSelectorTerms }: core.NodeSelector): boolean {
  return (nodeSelectorTerms ?? []).some(({ matchExpressions }) =>
    matchExpressions?.some(({ values }) => values?.some((value) => isLabelValue(value).length > 0)),
  );
}

function hasNonLocalTokenPath({ volumes = [] }: core.PodSpec): boolean {
  return volumes.some(({ projected }) =>
    projected?.sources?.some(({ serviceAccountToken: token }) => token && fails((errors) => checkVolumeFilePath(errors, token.path ?? "", anyPath))),
  );
}
