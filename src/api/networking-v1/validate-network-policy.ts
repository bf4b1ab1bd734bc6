import { checkAllowed, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec } from "#api/networking-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { cidrWarnings, isStrictSubnet, parseCidr, validateCidrForLegacyField } from "#apimachinery/validation/cidr.ts";
import { isPortName, isPortNumber } from "#apimachinery/validation/names.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";
import { hasInvalidLabelValue, validateLabelSelector } from "#apimachinery/validation/selectors.ts";

const SPEC = new FieldPath("spec");
const TYPES = ["Ingress", "Egress"];

interface Options {
  readonly allowInvalidValues: boolean;
  /** Ranges that stand in the old policy may stay as they are written. */
  readonly oldRanges: readonly string[];
}

/** @see kubernetes pkg/apis/networking/validation/validation.go ValidateNetworkPolicySpec */
export function validateNetworkPolicy({ metadata, spec }: NetworkPolicy, old?: NetworkPolicy): FieldError[] {
  const errors: Errors = [];
  if (old === undefined) {
    validateSpec(errors, spec, { allowInvalidValues: false, oldRanges: [] });
    return errors;
  }
  // Upstream checks a changed policy as a new one first, and then again with leave for what stood before.
  const allowInvalidValues = hasInvalidLabelValue(old.spec.podSelector);
  errors.push(...validateObjectMeta(metadata, { namespaced: true }));
  validateSpec(errors, spec, { allowInvalidValues, oldRanges: [] });
  validateSpec(errors, spec, { allowInvalidValues, oldRanges: blocksOf(old.spec).flatMap(({ block }) => [block.cidr, ...(block.except ?? [])]) });
  return errors;
}

export function networkPolicyWarnings({ spec }: NetworkPolicy): string[] {
  return blocksOf(spec).flatMap(({ block, path }) => [
    ...cidrWarnings(block.cidr, path.child("cidr")),
    ...(block.except ?? []).flatMap((range, i) => cidrWarnings(range, path.child("except").index(i))),
  ]);
}

function blocksOf({ ingress = [], egress = [] }: NetworkPolicySpec): { block: IPBlock; path: FieldPath }[] {
  const of = (peers: readonly NetworkPolicyPeer[] | undefined, path: FieldPath) =>
    (peers ?? []).flatMap(({ ipBlock }, i) => (ipBlock ? [{ block: ipBlock, path: path.index(i).child("ipBlock") }] : []));
  return [
    ...ingress.flatMap(({ from }, i) => of(from, SPEC.child("ingress").index(i).child("from"))),
    ...egress.flatMap(({ to }, i) => of(to, SPEC.child("egress").index(i).child("to"))),
  ];
}

function validateSpec(errors: Errors, spec: NetworkPolicySpec, options: Options): void {
  errors.push(...validateLabelSelector(spec.podSelector, SPEC.child("podSelector"), options));
  for (const [i, { ports, from }] of (spec.ingress ?? []).entries()) {
    const path = SPEC.child("ingress").index(i);
    validatePorts(errors, ports ?? [], path.child("ports"));
    validatePeers(errors, from ?? [], options, path.child("from"));
  }
  for (const [i, { ports, to }] of (spec.egress ?? []).entries()) {
    const path = SPEC.child("egress").index(i);
    validatePorts(errors, ports ?? [], path.child("ports"));
    validatePeers(errors, to ?? [], options, path.child("to"));
  }
  const types = spec.policyTypes ?? [];
  const path = SPEC.child("policyTypes");
  if (types.length > TYPES.length) return void errors.push(fieldError.invalid(path, types, "may not specify more than two policyTypes"));
  for (const [i, type] of types.entries()) checkAllowed(errors, type, TYPES, path.index(i));
}

function validatePorts(errors: Errors, ports: readonly NetworkPolicyPort[], path: FieldPath): void {
  for (const [i, { port, protocol, endPort }] of ports.entries()) {
    const at = path.index(i);
    if (protocol !== undefined) checkAllowed(errors, protocol, ["TCP", "UDP", "SCTP"], at.child("protocol"));
    const refuseEnd = (why: string) => {
      if (endPort !== undefined) errors.push(fieldError.invalid(at.child("endPort"), endPort, why));
    };
    if (port === undefined) refuseEnd("may not be specified when `port` is not specified");
    else if (typeof port === "string") {
      refuseEnd("may not be specified when `port` is non-numeric");
      pushInvalid(errors, at.child("port"), port, isPortName(port));
    } else {
      pushInvalid(errors, at.child("port"), port, isPortNumber(port));
      if (endPort === undefined) continue;
      if (endPort < port) errors.push(fieldError.invalid(at.child("endPort"), port, "must be greater than or equal to `port`"));
      pushInvalid(errors, at.child("endPort"), endPort, isPortNumber(endPort));
    }
  }
}

function validatePeers(errors: Errors, peers: readonly NetworkPolicyPeer[], options: Options, path: FieldPath): void {
  for (const [i, { podSelector, namespaceSelector, ipBlock }] of peers.entries()) {
    const at = path.index(i);
    if (podSelector) errors.push(...validateLabelSelector(podSelector, at.child("podSelector"), options));
    if (namespaceSelector) errors.push(...validateLabelSelector(namespaceSelector, at.child("namespaceSelector"), options));
    if (ipBlock) validateBlock(errors, ipBlock, options, at.child("ipBlock"));
    if (!podSelector && !namespaceSelector && !ipBlock) errors.push(fieldError.required(at, "must specify a peer"));
    else if (ipBlock && (podSelector || namespaceSelector)) errors.push(fieldError.forbidden(at, "may not specify both ipBlock and another peer"));
  }
}

function validateBlock(errors: Errors, { cidr = "", except = [] }: IPBlock, { oldRanges }: Options, path: FieldPath): void {
  if (cidr === "") return void errors.push(fieldError.required(path.child("cidr")));
  errors.push(...validateCidrForLegacyField(cidr, path.child("cidr"), oldRanges));
  const outer = parseCidr(cidr);
  if (outer === undefined) return;
  for (const [i, range] of except.entries()) {
    const at = path.child("except").index(i);
    errors.push(...validateCidrForLegacyField(range, at, oldRanges));
    const inner = parseCidr(range);
    if (inner !== undefined && !isStrictSubnet(inner, outer)) errors.push(fieldError.invalid(at, range, "must be a strict subset of `cidr`"));
  }
}
