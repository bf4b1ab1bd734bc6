import type { Node, NodeAddress } from "#api/core-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { parseCidr, validateCidrForLegacyField } from "#apimachinery/validation/cidr.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";

import { checkPositive, type Errors, sortedEntries } from "../pod-spec/checks.ts";
import type { ResourceList } from "../pod-spec/resource-list.ts";
import { checkQuantity } from "../pod-spec/validate-resources.ts";
import { validateNodeAnnotations } from "./annotations.ts";
import { validateConfigSource, validateConfigStatus } from "./config-source.ts";
import { validateTaints } from "./validate-taints.ts";

const METADATA = new FieldPath("metadata");
const SPEC = new FieldPath("spec");
const STATUS = new FieldPath("status");
const TAINTS = METADATA.child("taints");

/** @see kubernetes pkg/apis/core/validation/validation.go ValidateNode */
export function validateNode(node: Node): FieldError[] {
  const { metadata, spec, status } = node;
  const errors: Errors = [];
  validateNodeAnnotations(errors, metadata.annotations, METADATA.child("annotations"));
  validateTaints(errors, spec.taints ?? [], TAINTS);
  validateResources(errors, node);
  const capacity = status.nodeInfo?.swap?.capacity;
  if (capacity !== undefined) checkPositive(errors, capacity, METADATA.child("nodeSwapStatus", "capacity"));
  validatePodCidrs(errors, spec.podCIDRs ?? []);
  return errors;
}

/** A change of everything but status. */
export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  return [...validateObjectMeta(node.metadata, { namespaced: false }), ...validateNode(node), ...validateNodeChange(node, old)];
}

/** What may not change once it is there, for any write. */
export function validateNodeChange(node: Node, old: Node): FieldError[] {
  const { metadata, spec, status } = node;
  const errors: Errors = [];
  validateNodeAnnotations(errors, metadata.annotations, METADATA.child("annotations"));
  validateResources(errors, node);
  checkAddresses(errors, status.addresses ?? []);
  checkPodCidrsKept(errors, spec.podCIDRs ?? [], old.spec.podCIDRs ?? []);
  if (old.spec.providerID && old.spec.providerID !== spec.providerID) {
    errors.push(fieldError.forbidden(SPEC.child("providerID"), 'node updates may not change providerID except from "" to valid'));
  }
  if (spec.configSource) validateConfigSource(errors, spec.configSource, "spec", SPEC.child("configSource"));
  if (status.config) validateConfigStatus(errors, status.config, STATUS.child("config"));
  validateTaints(errors, spec.taints ?? [], TAINTS);
  if ((spec.externalID ?? "") !== (old.spec.externalID ?? "")) errors.push(fieldError.forbidden(SPEC.child("externalID"), "may not be updated"));
  return errors;
}

function validateResources(errors: Errors, { status }: Node): void {
  checkResources(errors, status.capacity, STATUS.child("capacity"));
  checkResources(errors, status.allocatable, STATUS.child("allocatable"));
}

function checkResources(errors: Errors, list: ResourceList | undefined, path: FieldPath): void {
  for (const [name, quantity] of sortedEntries(list)) checkQuantity(errors, name, quantity, path.child(name));
}

function validatePodCidrs(errors: Errors, cidrs: readonly string[]): void {
  const path = SPEC.child("podCIDRs");
  for (const [i, cidr] of cidrs.entries()) errors.push(...validateCidrForLegacyField(cidr, path.index(i)));
  if (cidrs.length < 2) return;
  const parsed = cidrs.map(parseCidr);
  const wrong = parsed.indexOf(undefined);
  if (wrong >= 0) {
    const why = `invalid CIDR[${wrong}]: <nil> (invalid CIDR address: ${cidrs[wrong]})`;
    errors.push(fieldError.internal(path, `invalid PodCIDRs. failed to check with dual stack with error:${why}`));
  }
  const isDualStack = wrong < 0 && parsed.some((cidr) => cidr?.isIPv6) && parsed.some((cidr) => cidr?.isIPv6 === false);
  if (!isDualStack || cidrs.length > 2) errors.push(fieldError.invalid(path, cidrs, "may specify no more than one CIDR for each IP family"));
}

function checkAddresses(errors: Errors, addresses: readonly NodeAddress[]): void {
  const seen = new Set<string>();
  for (const [i, { type = "", address = "" }] of addresses.entries()) {
    const key = `${type} ${address}`;
    if (seen.has(key)) errors.push(fieldError.duplicate(STATUS.child("addresses").index(i), { Type: type, Address: address }));
    seen.add(key);
  }
}

function checkPodCidrsKept(errors: Errors, cidrs: readonly string[], old: readonly string[]): void {
  if (old.length === 0) return;
  const changes = cidrs.length === old.length ? old.filter((cidr, i) => cidr !== cidrs[i]).length : 1;
  for (let i = 0; i < changes; i++) {
    errors.push(fieldError.forbidden(SPEC.child("podCIDRs"), 'node updates may not change podCIDR except from "" to valid'));
  }
}
