import type { Service, ServiceSpec } from "#api/core-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { validateIPForLegacyField } from "#apimachinery/validation/ip.ts";
import { validateLabels } from "#apimachinery/validation/object-meta.ts";

import { checkEndpointIP } from "../endpoints/endpoint-ip.ts";
import { checkAllowed, checkDnsSubdomain, checkRequired, type Errors } from "../pod-spec/checks.ts";
import { isHeadless } from "./service-type.ts";
import { checkFamiliesKept, checkIpsKept, validateClusterIps } from "./validate-cluster-ips.ts";
import { checkClassKept, validateLoadBalancer } from "./validate-load-balancer.ts";
import { validatePorts, validateNodePorts } from "./validate-ports.ts";
import { checkHealthPortKept, validateTrafficPolicies } from "./validate-traffic.ts";

const SPEC = new FieldPath("spec");
const HINTS = "service.kubernetes.io/topology-aware-hints";
const MODE = "service.kubernetes.io/topology-mode";
const AFFINITY_SECONDS_MAX = 86_400;

/** @see kubernetes pkg/apis/core/validation/validation.go ValidateServiceCreate, ValidateServiceUpdate */
export function validateServiceCreate(service: Service): FieldError[] {
  const errors: Errors = [];
  validateService(errors, service);
  return errors;
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors: Errors = [];
  checkIpsKept(errors, service, old);
  checkFamiliesKept(errors, service, old);
  checkClassKept(errors, service.spec, old.spec);
  checkHealthPortKept(errors, service.spec, old.spec);
  validateService(errors, service, old);
  return errors;
}

function validateService(errors: Errors, service: Service, old?: Service): void {
  const { metadata, spec } = service;
  const mode = metadata.annotations?.[MODE];
  const hints = metadata.annotations?.[HINTS];
  if (mode !== undefined && hints !== undefined && mode !== hints) {
    errors.push(fieldError.invalid(new FieldPath("metadata.annotations").key(MODE), mode, `must match annotations[${HINTS}] when both are specified`));
  }
  if (!spec.ports?.length && !isHeadless(spec) && spec.type !== "ExternalName") errors.push(fieldError.required(SPEC.child("ports")));
  validateType(errors, spec);
  validatePorts(errors, spec.ports ?? [], SPEC.child("ports"));
  if (spec.selector) errors.push(...validateLabels(spec.selector, SPEC.child("selector")));
  validateAffinity(errors, spec);
  validateClusterIps(errors, service, old);
  validateExternalIps(errors, spec, old?.spec);
  if (!spec.type) errors.push(fieldError.required(SPEC.child("type")));
  else checkAllowed(errors, spec.type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], SPEC.child("type"));
  validateNodePorts(errors, spec, SPEC.child("ports"));
  validateLoadBalancer(errors, service, old);
  validateTrafficPolicies(errors, spec);
}

function validateType(errors: Errors, spec: ServiceSpec): void {
  const { type, clusterIPs = [], ipFamilies = [], ipFamilyPolicy, externalName = "" } = spec;
  if ((type === "LoadBalancer" || type === "NodePort") && isHeadless(spec)) {
    errors.push(fieldError.invalid(SPEC.child("clusterIPs").index(0), clusterIPs[0], `may not be set to 'None' for ${type} services`));
  }
  if (type !== "ExternalName") return;
  const why = "may not be set for ExternalName services";
  if (clusterIPs.length > 0) errors.push(fieldError.forbidden(SPEC.child("clusterIPs"), why));
  if (ipFamilies.length > 0) errors.push(fieldError.forbidden(SPEC.child("ipFamilies"), why));
  if (ipFamilyPolicy !== undefined) errors.push(fieldError.forbidden(SPEC.child("ipFamilyPolicy"), why));
  const name = externalName.replace(/\.$/, "");
  if (name === "") errors.push(fieldError.required(SPEC.child("externalName")));
  else checkDnsSubdomain(errors, name, SPEC.child("externalName"));
}

function validateAffinity(errors: Errors, { sessionAffinity = "", sessionAffinityConfig: config }: ServiceSpec): void {
  checkRequired(errors, sessionAffinity, SPEC, "sessionAffinity");
  if (sessionAffinity !== "") checkAllowed(errors, sessionAffinity, ["ClientIP", "None"], SPEC.child("sessionAffinity"));
  const path = SPEC.child("sessionAffinityConfig");
  if (sessionAffinity === "None" && config) errors.push(fieldError.forbidden(path, "must not be set when session affinity is None"));
  if (sessionAffinity !== "ClientIP") return;
  const why = "when session affinity type is ClientIP";
  const seconds = config?.clientIP?.timeoutSeconds;
  if (!config) errors.push(fieldError.required(path, why));
  else if (!config.clientIP) errors.push(fieldError.required(path.child("clientIP"), why));
  else if (seconds === undefined) errors.push(fieldError.required(path.child("clientIP", "timeoutSeconds"), why));
  else if (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX) {
    errors.push(fieldError.invalid(path.child("clientIP", "timeoutSeconds"), seconds, `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`));
  }
}

/** Addresses that stood before may stay as they are written. */
function validateExternalIps(errors: Errors, { externalIPs = [] }: ServiceSpec, old: ServiceSpec | undefined): void {
  for (const [i, ip] of externalIPs.entries()) {
    const path = SPEC.child("externalIPs").index(i);
    const malformed = validateIPForLegacyField(ip, path, old?.externalIPs);
    if (malformed.length > 0) errors.push(...malformed);
    else checkEndpointIP(errors, ip, path);
  }
}
