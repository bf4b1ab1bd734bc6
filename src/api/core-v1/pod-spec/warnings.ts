import type * as core from "#api/core-v1/types.ts";
import type { FieldPath } from "#apimachinery/field-error.ts";
import { ipWarnings } from "#apimachinery/validation/ip.ts";
import { isLabelValue } from "#apimachinery/validation/names.ts";

import { APP_ARMOR_PREFIX, appArmorProfileOf, SECCOMP_POD, SECCOMP_PREFIX } from "./annotations.ts";
import { sortedEntries } from "./checks.ts";
import { oldNodeLabel } from "./old-node-labels.ts";
import { isInteger, quantityText } from "./quantities.ts";
import { pathWarnings } from "./path-warnings.ts";
import { portWarnings } from "./port-warnings.ts";
import type { ResourceList } from "./resource-list.ts";
import { eachContainer } from "./visit.ts";

type Annotations = Readonly<Record<string, string>>;

/** What warnings are gathered from. `path` is the template's, empty for a pod. */
interface Subject {
  readonly spec: core.PodSpec;
  readonly annotations: Annotations;
  readonly path: FieldPath;
  readonly isPod: boolean;
  readonly warn: (path: FieldPath, text: string) => void;
}

/**
 * What is accepted, but hardly meant.
 *
 * @see kubernetes pkg/api/pod/warnings.go
 */
export function podSpecWarnings(spec: core.PodSpec, annotations: Annotations | undefined, path: FieldPath): string[] {
  const warnings: string[] = [];
  const warn = (at: FieldPath, text: string) => void warnings.push(`${at.text}: ${text}`);
  const subject: Subject = { spec, annotations: annotations ?? {}, path, isPod: path.text === "", warn };
  warnOfNodeLabels(subject);
  warnOfSpread(subject);
  for (const [key, text] of DEAD_ANNOTATIONS) if (key in subject.annotations) warn(path.child("metadata", "annotations").key(key), text);
  warnOfVolumes(subject);
  warnings.push(...pathWarnings(spec.volumes ?? []));
  warnOfRepeats(subject);
  warnOfFractions(spec.overhead, path.child("spec", "overhead"), warn);
  warnOfSecurityAnnotations(subject);
  warnings.push(...portWarnings(spec, path.child("spec")));
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warn(path.child("spec", "terminationGracePeriodSeconds"), "must be >= 0; negative values are invalid and will be treated as 1");
  }
  warnOfNullSelectors(subject);
  warnings.push(...addressWarnings(subject));
  return warnings;
}

const DEAD_ANNOTATIONS: readonly (readonly [string, string])[] = [
  ["scheduler.alpha.kubernetes.io/critical-pod", 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ["security.alpha.kubernetes.io/sysctls", 'non-functional in v1.11+; use the "sysctls" field instead'],
  ["security.alpha.kubernetes.io/unsafe-sysctls", 'non-functional in v1.11+; use the "sysctls" field instead'],
];

function warnOfNodeLabels({ spec, path, warn }: Subject): void {
  for (const [key] of sortedEntries(spec.nodeSelector)) {
    const text = oldNodeLabel(key);
    if (text !== undefined) warn(path.child("spec", "nodeSelector").key(key), text);
  }
  const affinity = spec.affinity?.nodeAffinity;
  if (!affinity) return;
  const at = path.child("spec", "affinity", "nodeAffinity");
  for (const [i, term] of (affinity.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).entries()) {
    warnOfTerm(term, false, at.child("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").index(i), warn);
  }
  for (const [i, { preference }] of (affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    warnOfTerm(preference ?? {}, true, at.child("preferredDuringSchedulingIgnoredDuringExecution").index(i).child("preference"), warn);
  }
}

function warnOfTerm({ matchExpressions = [] }: core.NodeSelectorTerm, checkValues: boolean, path: FieldPath, warn: Subject["warn"]): void {
  for (const [i, { key, values = [] }] of matchExpressions.entries()) {
    const at = path.child("matchExpressions").index(i);
    const text = oldNodeLabel(key);
    if (text !== undefined) warn(at.child("key"), `${key} is ${text}`);
    if (!checkValues) continue;
    for (const [j, value] of values.entries()) {
      for (const message of isLabelValue(value)) warn(at.child("values").index(j), `${value} is invalid, ${message}`);
    }
  }
}

const NO_MATCH = "a null labelSelector results in matching no pod";

function warnOfSpread({ spec, path, warn }: Subject): void {
  for (const [i, { topologyKey, labelSelector }] of (spec.topologySpreadConstraints ?? []).entries()) {
    const at = path.child("spec", "topologySpreadConstraints").index(i);
    const text = oldNodeLabel(topologyKey ?? "");
    if (text !== undefined) warn(at.child("topologyKey"), `${topologyKey} is ${text}`);
    if (!labelSelector) warn(at.child("labelSelector"), NO_MATCH);
  }
}

/** By field: where it is told, and since when it is no good. */
const OLD_VOLUMES: readonly (readonly [keyof core.Volume, string, string])[] = [
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["ephemeral", "", ""],
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
];

function warnOfVolumes({ spec, path, warn }: Subject): void {
  for (const [i, volume] of (spec.volumes ?? []).entries()) {
    for (const [field, told, text] of OLD_VOLUMES) {
      if (volume[field] === undefined) continue;
      const at = path.child("spec", "volumes").index(i);
      if (field !== "ephemeral") warn(at.child(told), text);
      else {
        const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
        if (claim) warnOfClaim(claim, at.child("ephemeral", "volumeClaimTemplate", "spec"), warn);
      }
    }
  }
}

/** Of a claim's spec. */
export function warnOfClaim({ resources }: core.PersistentVolumeClaimSpec, path: FieldPath, warn: (path: FieldPath, text: string) => void): void {
  for (const kind of ["requests", "limits"] as const) {
    const storage = resources?.[kind]?.["storage"];
    if (storage !== undefined) warnOfFraction(storage, path.child("resources", kind).key("storage"), warn);
  }
}

function warnOfFraction(quantity: string, path: FieldPath, warn: Subject["warn"]): void {
  if (!isInteger(quantity)) warn(path, `fractional byte value ${JSON.stringify(quantityText(quantity))} is invalid, must be an integer`);
}

function warnOfFractions(list: ResourceList | undefined, path: FieldPath, warn: Subject["warn"]): void {
  for (const name of ["memory", "ephemeral-storage"]) {
    const quantity = list?.[name];
    if (quantity !== undefined) warnOfFraction(quantity, path.key(name), warn);
  }
}

function warnOfRepeats({ spec, path, warn }: Subject): void {
  const ips = new Set<string>();
  for (const [i, { ip }] of (spec.hostAliases ?? []).entries()) {
    if (ips.has(ip)) warn(path.child("spec", "hostAliases").index(i).child("ip"), `duplicate ip ${JSON.stringify(ip)}`);
    ips.add(ip);
  }
  const secrets = spec.imagePullSecrets ?? [];
  const names = new Set<string>();
  const at = (i: number) => path.child("spec", "imagePullSecrets").index(i).child("name");
  for (const [i, { name = "" }] of secrets.entries()) {
    if (names.has(name)) warn(at(i), `duplicate name ${JSON.stringify(name)}`);
    names.add(name);
  }
  for (const [i, { name = "" }] of secrets.entries()) if (name === "") warn(at(i), 'invalid empty name ""');
}

function warnOfSecurityAnnotations({ spec, annotations, path, isPod, warn }: Subject): void {
  const at = (key: string) => path.child("metadata", "annotations").key(key);
  const old = 'non-functional in v1.27+; use the "seccompProfile" field instead';
  if (!spec.securityContext?.seccompProfile && SECCOMP_POD in annotations) warn(at(SECCOMP_POD), old);
  eachContainer(spec, path.child("spec"), (container, containerPath) => {
    const { securityContext, resources, env = [] } = container;
    const seccomp = SECCOMP_PREFIX + container.name;
    if (!securityContext?.seccompProfile && seccomp in annotations) warn(at(seccomp), old);
    const appArmor = APP_ARMOR_PREFIX + container.name;
    const annotation = annotations[appArmor];
    if (annotation !== undefined && isOldAppArmor(annotation, container, spec, isPod)) {
      warn(at(appArmor), 'deprecated since v1.30; use the "appArmorProfile" field instead');
    }
    warnOfAmounts(resources, containerPath, warn);
    if (env.length > 1) warnOfHiddenVariables(env, containerPath, warn);
  });
}

/** A pod's annotation has been copied into the field by now, so the two are the same then. */
function isOldAppArmor(annotation: string, { securityContext }: core.Container, spec: core.PodSpec, isPod: boolean): boolean {
  const profile = appArmorProfileOf(annotation);
  const own = securityContext?.appArmorProfile;
  if (own) return isPod && isSameProfile(profile, own);
  return !profile || !isSameProfile(profile, spec.securityContext?.appArmorProfile);
}

function isSameProfile(a: core.AppArmorProfile | undefined, b: core.AppArmorProfile | undefined): boolean {
  return a !== undefined && b !== undefined && a.type === b.type && a.localhostProfile === b.localhostProfile;
}

function warnOfAmounts(resources: core.ResourceRequirements | undefined, path: () => FieldPath, warn: Subject["warn"]): void {
  if (!resources?.limits && !resources?.requests) return;
  for (const name of ["memory", "ephemeral-storage"]) {
    for (const kind of ["limits", "requests"] as const) {
      const quantity = resources[kind]?.[name];
      if (quantity !== undefined) warnOfFraction(quantity, path().child("resources", kind).key(name), warn);
    }
  }
}

function warnOfHiddenVariables(env: readonly core.EnvVar[], path: () => FieldPath, warn: Subject["warn"]): void {
  const names = new Set<string>();
  for (const [i, { name, value = "", valueFrom }] of env.entries()) {
    const reference = `$(${name})`;
    const hides = valueFrom !== undefined || value === reference || !value.includes(reference);
    if (names.has(name) && hides) {
      warn(path().child("env").index(i), `hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`);
    }
    names.add(name);
  }
}

function warnOfNullSelectors({ spec, path, warn }: Subject): void {
  for (const field of ["podAffinity", "podAntiAffinity"] as const) {
    const affinity = spec.affinity?.[field];
    const at = path.child("spec", "affinity", field);
    for (const [i, { labelSelector }] of (affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (!labelSelector) warn(at.child("requiredDuringSchedulingIgnoredDuringExecution").index(i).child("labelSelector"), NO_MATCH);
    }
    for (const [i, { podAffinityTerm }] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      if (podAffinityTerm?.labelSelector) continue;
      warn(at.child("preferredDuringSchedulingIgnoredDuringExecution").index(i).child("podAffinityTerm", "labelSelector"), NO_MATCH);
    }
  }
}

function addressWarnings({ spec, path }: Subject): string[] {
  const servers = (spec.dnsConfig?.nameservers ?? []).flatMap((ip, i) => ipWarnings(ip, path.child("spec", "dnsConfig", "nameservers").index(i)));
  const aliases = (spec.hostAliases ?? []).flatMap(({ ip }, i) => ipWarnings(ip, path.child("spec", "hostAliases").index(i).child("ip")));
  return [...servers, ...aliases];
}
