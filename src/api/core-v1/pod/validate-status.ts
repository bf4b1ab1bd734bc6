import type * as core from "#api/core-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { validateIPForLegacyField } from "#apimachinery/validation/ip.ts";
import { isDns1123Subdomain } from "#apimachinery/validation/names.ts";

import { checkDnsSubdomain, checkQualifiedName, type Errors, pushInvalid, rangeMessage } from "../pod-spec/checks.ts";
import { goValue } from "../pod-spec/go-values.ts";
import { podUpdateOptions, validateAnnotationUpdate } from "./validate-update.ts";

const STATUS = new FieldPath("status");

/** @see kubernetes pkg/apis/core/validation/validation.go ValidatePodStatusUpdate */
export function validatePodStatusUpdate(pod: core.Pod, old: core.Pod): FieldError[] {
  const errors: FieldError[] = [];
  validateAnnotationUpdate(errors, pod, old, podUpdateOptions(old));
  const { status, spec } = pod;
  validateConditions(errors, status.conditions ?? [], STATUS.child("conditions"));
  validateNomination(errors, status.nominatedNodeName ?? "", old, STATUS.child("nominatedNodeName"));
  checkGeneration(errors, status.observedGeneration, STATUS);
  if (status.qosClass !== old.status.qosClass) {
    errors.push(fieldError.invalid(STATUS.child("qosClass"), status.qosClass ?? "", "field is immutable"));
  }
  checkRestarts(errors, pod, old);
  validateClaimStatuses(errors, status.resourceClaimStatuses ?? [], spec.resourceClaims ?? [], STATUS.child("resourceClaimStatuses"));
  validateIPs(errors, "podIPs", status.podIPs ?? [], old.status.podIPs ?? []);
  validateHostIPs(errors, status, old.status);
  for (const list of STATUS_LISTS) validateUsers(errors, status[list] ?? [], spec.os, STATUS.child(list));
  return errors;
}

const STATUS_LISTS = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] as const;
const SYSTEM_CONDITIONS = ["PodScheduled", "Ready", "Initialized"];

function checkGeneration(errors: Errors, generation: number | undefined, path: FieldPath): void {
  if ((generation ?? 0) < 0) errors.push(fieldError.invalid(path.child("observedGeneration"), generation, "must be a non-negative integer"));
}

function validateConditions(errors: Errors, conditions: readonly core.PodCondition[], path: FieldPath): void {
  for (const [i, { type = "", observedGeneration }] of conditions.entries()) {
    checkGeneration(errors, observedGeneration, path.index(i));
    if (!SYSTEM_CONDITIONS.includes(type)) checkQualifiedName(errors, type, path.index(i).child("Type"));
  }
}

function validateNomination(errors: Errors, name: string, old: core.Pod, path: FieldPath): void {
  if (name === "" || name === (old.status.nominatedNodeName ?? "")) return;
  pushInvalid(errors, path, name, isDns1123Subdomain(name));
  if (old.spec.nodeName) errors.push(fieldError.forbidden(path, "may not be set on pods that are already bound to a node"));
}

/** A container that has ended starts again only where the pod's policies say so. */
function checkRestarts(errors: Errors, { status }: core.Pod, { status: before, spec }: core.Pod): void {
  for (const list of STATUS_LISTS) {
    const containers = list === "containerStatuses" ? spec.containers : list === "initContainerStatuses" ? spec.initContainers : undefined;
    for (const [i, old] of (before[list] ?? []).entries()) {
      const ended = old.state?.terminated;
      if (!ended) continue;
      const now = status[list]?.find(({ name }) => name === old.name);
      if (!now || now.state?.terminated) continue;
      const container = containers?.find(({ name }) => name === old.name);
      if (container && mayRestart(container, spec, ended.exitCode ?? 0)) continue;
      errors.push(fieldError.forbidden(STATUS.child(list).index(i).child("state"), "may not be transitioned to non-terminated state"));
    }
  }
}

/**
 * Whether a container that has ended is started again.
 *
 * @see kubernetes pkg/api/v1/pod/util.go ContainerShouldRestart
 */
function mayRestart(container: core.Container, spec: core.PodSpec, exitCode: number): boolean {
  for (const { action, exitCodes } of container.restartPolicyRules ?? []) {
    const isListed = exitCodes?.values?.includes(exitCode) ?? false;
    const isMatch = exitCodes !== undefined && (exitCodes.operator === "In" ? isListed : exitCodes.operator === "NotIn" && !isListed);
    if (isMatch) return action === "Restart";
  }
  const policy = container.restartPolicy ?? spec.restartPolicy;
  return policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
}

function validateClaimStatuses(
  errors: Errors,
  statuses: readonly core.PodResourceClaimStatus[],
  claims: readonly core.PodResourceClaim[],
  path: FieldPath,
): void {
  const names = new Set<string>();
  for (const [i, { name = "", resourceClaimName }] of statuses.entries()) {
    const at = path.index(i).child("name");
    if (!claims.some((claim) => claim.name === name)) {
      errors.push(fieldError.invalid(at, name, "must match the name of an entry in `spec.resourceClaims`"));
    }
    if (names.has(name)) errors.push(fieldError.duplicate(at, name));
    names.add(name);
    if (resourceClaimName !== undefined) checkDnsSubdomain(errors, resourceClaimName, at);
  }
}

type Address = { readonly ip: string };

function validateIPs(errors: Errors, field: "podIPs" | "hostIPs", addresses: readonly Address[], old: readonly Address[]): void {
  const path = STATUS.child(field);
  for (const [i, { ip = "" }] of addresses.entries()) {
    if (!old.some((before) => before.ip === ip)) errors.push(...validateIPForLegacyField(ip, path.index(i)));
  }
  if (addresses.length < 2) return;
  const families = new Set(addresses.map(({ ip }) => ip.includes(":")));
  if (families.size < 2 || addresses.length > 2) {
    const type = field === "podIPs" ? "[]PodIP" : "[]HostIP";
    errors.push(fieldError.invalid(path, goValue(type, addresses), "may specify no more than one IP for each IP family"));
  }
}

function validateHostIPs(errors: Errors, status: core.PodStatus, old: core.PodStatus): void {
  const first = status.hostIPs?.[0];
  if (first === undefined) return;
  if ((status.hostIP ?? "") !== first.ip) {
    errors.push(fieldError.invalid(STATUS.child("hostIPs").index(0).child("ip"), first.ip, "must be equal to `hostIP`"));
  }
  validateIPs(errors, "hostIPs", status.hostIPs ?? [], old.hostIPs ?? []);
}

const MAX_ID = 2 ** 31 - 1;

function validateUsers(errors: Errors, statuses: readonly core.ContainerStatus[], os: core.PodOS | undefined, path: FieldPath): void {
  for (const [i, { user }] of statuses.entries()) {
    const linux = user?.linux;
    if (!linux) continue;
    const at = path.index(i).child("user", "linux");
    if (os?.name === "windows") {
      errors.push(fieldError.forbidden(at, "cannot be set for a windows pod"));
      continue;
    }
    if (os !== undefined && os.name !== "linux") continue;
    const check = (id: number | undefined, idPath: FieldPath) => {
      if (id !== undefined && (id < 0 || id > MAX_ID)) errors.push(fieldError.invalid(idPath, id, rangeMessage(0, MAX_ID)));
    };
    check(linux.uid, at.child("uid"));
    check(linux.gid, at.child("gid"));
    for (const [g, group] of (linux.supplementalGroups ?? []).entries()) check(group, at.child("supplementalGroups").index(g));
  }
}
