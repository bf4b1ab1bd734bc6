import type { LoadBalancerStatus, Service, ServiceSpec } from "#api/core-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { validateCidrForLegacyField } from "#apimachinery/validation/cidr.ts";
import { canonicalIP, validateIPForLegacyField } from "#apimachinery/validation/ip.ts";

import { checkAllowed, checkDnsSubdomain, checkQualifiedName, type Errors } from "../pod-spec/checks.ts";

const SPEC = new FieldPath("spec");
const RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges";
const ONLY_BALANCERS = "may only be used when `type` is 'LoadBalancer'";

/** What concerns services of type LoadBalancer only. */
export function validateLoadBalancer(errors: Errors, service: Service, old: Service | undefined): void {
  const { spec } = service;
  if (spec.loadBalancerSourceRanges?.length) validateRanges(errors, spec, old?.spec);
  else validateAnnotatedRanges(errors, service, old);
  const isBalancer = spec.type === "LoadBalancer";
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isBalancer) {
    errors.push(fieldError.forbidden(SPEC.child("allocateLoadBalancerNodePorts"), ONLY_BALANCERS));
  }
  if (isBalancer && spec.allocateLoadBalancerNodePorts === undefined) errors.push(fieldError.required(new FieldPath("allocateLoadBalancerNodePorts")));
  validateClass(errors, spec);
}

/** Blanks around a range have always been let through. */
function validateRanges(errors: Errors, { type, loadBalancerSourceRanges = [] }: ServiceSpec, old: ServiceSpec | undefined): void {
  const path = SPEC.child("LoadBalancerSourceRanges");
  if (type !== "LoadBalancer") errors.push(fieldError.forbidden(path, ONLY_BALANCERS));
  const before = (old?.loadBalancerSourceRanges ?? []).map((range) => range.trim());
  for (const [i, range] of loadBalancerSourceRanges.entries()) errors.push(...validateCidrForLegacyField(range.trim(), path.index(i), before));
}

function validateAnnotatedRanges(errors: Errors, { metadata, spec }: Service, old: Service | undefined): void {
  const text = metadata.annotations?.[RANGES];
  if (text === undefined) return;
  const path = new FieldPath("metadata.annotations").key(RANGES);
  if (spec.type !== "LoadBalancer") errors.push(fieldError.forbidden(path, ONLY_BALANCERS));
  if (text === old?.metadata.annotations?.[RANGES] || text.trim() === "") return;
  for (const range of text.trim().split(",")) errors.push(...validateCidrForLegacyField(range.trim(), path));
}

function validateClass(errors: Errors, { type, loadBalancerClass }: ServiceSpec): void {
  if (loadBalancerClass === undefined) return;
  const path = SPEC.child("loadBalancerClass");
  if (type === "LoadBalancer") checkQualifiedName(errors, loadBalancerClass, path);
  else errors.push(fieldError.forbidden(path, ONLY_BALANCERS));
}

export function checkClassKept(errors: Errors, spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type === "LoadBalancer" && old.type === "LoadBalancer" && spec.loadBalancerClass !== old.loadBalancerClass) {
    errors.push(fieldError.invalid(SPEC.child("loadBalancerClass"), spec.loadBalancerClass, "may not change once set"));
  }
  validateClass(errors, spec);
}

/** Also for what Ingresses report, which is of the same form. */
export function validateLoadBalancerStatus(
  status: LoadBalancerStatus | undefined,
  old: LoadBalancerStatus | undefined,
  { type }: Pick<ServiceSpec, "type">,
): FieldError[] {
  const errors: Errors = [];
  const path = new FieldPath("status.loadBalancer.ingress");
  const ingresses = status?.ingress ?? [];
  if (type !== "LoadBalancer" && ingresses.length > 0) return [fieldError.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  const before = (old?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  for (const [i, { ip = "", ipMode, hostname = "" }] of ingresses.entries()) {
    const at = path.index(i);
    if (ip !== "") errors.push(...validateIPForLegacyField(ip, at.child("ip"), before));
    if (ipMode === undefined) {
      if (ip !== "") errors.push(fieldError.required(at.child("ipMode"), "must be specified when `ip` is set"));
    } else if (ip === "") errors.push(fieldError.forbidden(at.child("ipMode"), "may not be specified when `ip` is not set"));
    else checkAllowed(errors, ipMode, ["Proxy", "VIP"], at.child("ipMode"));
    if (hostname === "") continue;
    checkDnsSubdomain(errors, hostname, at.child("hostname"));
    if (canonicalIP(hostname) !== undefined) errors.push(fieldError.invalid(at.child("hostname"), hostname, "must be a DNS name, not an IP address"));
  }
  return errors;
}
