import type * as core from "#api/core-v1/types.ts";
import { DecodeError } from "#apimachinery/decode/decode-error.ts";
import { parseJson } from "#apimachinery/decode/json.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";

import { checkDescendingPath, type Errors, sortedEntries } from "./checks.ts";
import { allContainers, DELETION_COST, isDeletionCost, type PodSpecOptions } from "./options.ts";
import { eachContainer } from "./visit.ts";
import { validateTolerations } from "./validate-scheduling.ts";

type Annotations = Readonly<Record<string, string>> | undefined;

export const MIRROR_POD = "kubernetes.io/config.mirror";
export const APP_ARMOR_PREFIX = "container.apparmor.security.beta.kubernetes.io/";
export const SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod";
export const SECCOMP_PREFIX = "container.seccomp.security.alpha.kubernetes.io/";
const TOLERATIONS = "scheduler.alpha.kubernetes.io/tolerations";

/** Annotations that mean something on pods and templates. */
export function validatePodAnnotations(errors: Errors, annotations: Annotations, spec: core.PodSpec, options: PodSpecOptions, path: FieldPath): void {
  if (annotations === undefined) return;
  const mirror = annotations[MIRROR_POD];
  if (mirror !== undefined && !spec.nodeName) {
    errors.push(fieldError.invalid(path.key(MIRROR_POD), mirror, "must set spec.nodeName if mirror pod annotation is set"));
  }
  const tolerations = annotations[TOLERATIONS];
  if (tolerations) validateTolerationAnnotation(errors, tolerations, path);
  const cost = annotations[DELETION_COST];
  if (!options.allowInvalidDeletionCost && !isDeletionCost(cost)) {
    errors.push(fieldError.invalid(path.key(DELETION_COST), cost, "must be a 32bit integer"));
  }
  const pod = annotations[SECCOMP_POD];
  if (pod !== undefined) validateSeccompAnnotation(errors, pod, path.child(SECCOMP_POD));
  for (const [key, value] of sortedEntries(annotations)) {
    if (key.startsWith(SECCOMP_PREFIX)) validateSeccompAnnotation(errors, value, path.child(key));
  }
  for (const [key, value] of sortedEntries(annotations)) {
    if (!key.startsWith(APP_ARMOR_PREFIX)) continue;
    const name = key.slice(APP_ARMOR_PREFIX.length);
    if (!allContainers(spec).some((container) => container.name === name)) errors.push(fieldError.invalid(path.key(key), name, "container not found"));
    if (!isAppArmorAnnotation(value)) errors.push(fieldError.invalid(path.key(key), value, `invalid AppArmor profile name: ${JSON.stringify(value)}`));
  }
}

function validateTolerationAnnotation(errors: Errors, text: string, path: FieldPath): void {
  let tolerations: unknown;
  try {
    tolerations = parseJson(text).value;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    errors.push(fieldError.invalid(path, TOLERATIONS, error.message));
    return;
  }
  if (Array.isArray(tolerations)) validateTolerations(errors, tolerations as core.Toleration[], path.child(TOLERATIONS));
}

function isAppArmorAnnotation(profile: string): boolean {
  return profile === "" || profile === "runtime/default" || profile === "unconfined" || profile.startsWith("localhost/");
}

function validateSeccompAnnotation(errors: Errors, profile: string, path: FieldPath): void {
  if (profile === "runtime/default" || profile === "docker/default" || profile === "unconfined") return;
  if (profile.startsWith("localhost/")) return checkDescendingPath(errors, profile.slice("localhost/".length), path);
  errors.push(fieldError.invalid(path, profile, "must be a valid seccomp profile"));
}

/** The profile that an AppArmor annotation stands for, `undefined` when none. */
export function appArmorProfileOf(annotation: string): core.AppArmorProfile | undefined {
  if (annotation === "unconfined") return { type: "Unconfined" };
  if (annotation === "runtime/default") return { type: "RuntimeDefault" };
  const localhostProfile = annotation.startsWith("localhost/") ? annotation.slice("localhost/".length) : "";
  return localhostProfile === "" ? undefined : { type: "Localhost", localhostProfile };
}

/** Security that is said twice, as an annotation and as a field, must be the same. */
export function checkAnnotationsMatch(errors: Errors, annotations: Annotations, spec: core.PodSpec, path: FieldPath): void {
  if (annotations === undefined) return;
  const podSeccomp = spec.securityContext?.seccompProfile;
  const podAnnotation = annotations[SECCOMP_POD];
  if (podSeccomp && podAnnotation !== undefined) {
    checkSeccompMatch(errors, podAnnotation, podSeccomp, path.child("securityContext", "seccompProfile"));
  }
  eachContainer(spec, path, (container, at) => {
    const field = container.securityContext?.seccompProfile;
    const annotation = annotations[SECCOMP_PREFIX + container.name];
    if (field && annotation !== undefined) checkSeccompMatch(errors, annotation, field, at().child("securityContext", "seccompProfile"));
  });
  if (spec.os?.name === "windows") return;
  eachContainer(spec, path, (container, at) => {
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    const annotation = annotations[APP_ARMOR_PREFIX + container.name];
    if (!profile || annotation === undefined) return;
    checkAppArmorMatch(errors, annotation, profile, at().child("securityContext", "appArmorProfile"));
  });
}

function checkSeccompMatch(errors: Errors, annotation: string, { type, localhostProfile }: core.SeccompProfile, path: FieldPath): void {
  const typeDiffers = () => errors.push(fieldError.forbidden(path.child("type"), "seccomp type in annotation and field must match"));
  if (type === "Unconfined" && annotation !== "unconfined") typeDiffers();
  else if (type === "RuntimeDefault" && annotation !== "runtime/default" && annotation !== "docker/default") typeDiffers();
  else if (type === "Localhost") {
    if (!annotation.startsWith("localhost/")) typeDiffers();
    else if (annotation.slice("localhost/".length) !== localhostProfile) {
      errors.push(fieldError.forbidden(path.child("localhostProfile"), "seccomp profile in annotation and field must match"));
    }
  }
}

function checkAppArmorMatch(errors: Errors, annotation: string, { type, localhostProfile }: core.AppArmorProfile, path: FieldPath): void {
  const typeDiffers = () => errors.push(fieldError.forbidden(path.child("type"), "apparmor type in annotation and field must match"));
  if (type === "Unconfined" && annotation !== "unconfined") typeDiffers();
  else if (type === "RuntimeDefault" && annotation !== "runtime/default") typeDiffers();
  else if (type === "Localhost") {
    if (!annotation.startsWith("localhost/")) typeDiffers();
    else if (annotation.slice("localhost/".length) !== localhostProfile) {
      errors.push(fieldError.forbidden(path.child("localhostProfile"), "apparmor profile in annotation and field must match"));
    }
  }
}
