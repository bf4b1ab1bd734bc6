import { checkDnsSubdomain, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import type { TypedLocalObjectReference } from "#api/core-v1/types.ts";
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressTLS } from "#api/networking-v1/types.ts";
import { wasEmptied } from "#apimachinery/decode/emptied.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { canonicalIP, ipWarnings, validateIPForLegacyField } from "#apimachinery/validation/ip.ts";
import { isDns1035Label, isDns1123Subdomain, isPortName, isPortNumber, isWildcardDns1123Subdomain, nameIsPathSegment } from "#apimachinery/validation/names.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";

const SPEC = new FieldPath("spec");
const STATUS = new FieldPath("status.loadBalancer.ingress");
export const CLASS_ANNOTATION = "kubernetes.io/ingress.class";
const BAD_SEQUENCES = ["//", "/./", "/../", "%2f", "%2F"];
const BAD_ENDS = ["/..", "/."];
const NO_IP = "must be a DNS name, not an IP address";

/** What stood in an older object may stay. */
interface Options {
  readonly allowInvalidSecrets: boolean;
  readonly allowInvalidWildcardRules: boolean;
}

/** @see kubernetes pkg/apis/networking/validation/validation.go ValidateIngressCreate */
export function validateIngress(ingress: Ingress): FieldError[] {
  const errors = validateSpec(ingress, { allowInvalidSecrets: false, allowInvalidWildcardRules: false });
  const annotated = ingress.metadata.annotations?.[CLASS_ANNOTATION];
  const { ingressClassName } = ingress.spec;
  if (annotated !== undefined && ingressClassName !== undefined && annotated !== ingressClassName) {
    const path = new FieldPath("annotations").child(CLASS_ANNOTATION);
    errors.push(fieldError.invalid(path, annotated, "must match `ingressClassName` when both are specified"));
  }
  return errors;
}

export function validateIngressUpdate(ingress: Ingress, old: Ingress): FieldError[] {
  const options = {
    allowInvalidSecrets: (old.spec.tls ?? []).some(({ secretName }) => secretName && isDns1123Subdomain(secretName).length > 0),
    allowInvalidWildcardRules: (old.spec.rules ?? []).some((rule) => rule.host?.includes("*") && isInvalidRule(rule)),
  };
  return [...validateObjectMeta(ingress.metadata, { namespaced: true }), ...validateSpec(ingress, options)];
}

export function validateIngressStatus({ status }: Ingress, old: Ingress): FieldError[] {
  const errors: Errors = [];
  const before = (old.status.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  for (const [i, { ip = "", hostname = "" }] of (status.loadBalancer?.ingress ?? []).entries()) {
    const path = STATUS.index(i);
    if (ip !== "") errors.push(...validateIPForLegacyField(ip, path.child("ip"), before));
    if (hostname === "") continue;
    checkDnsSubdomain(errors, hostname, path.child("hostname"));
    if (canonicalIP(hostname) !== undefined) errors.push(fieldError.invalid(path.child("hostname"), hostname, NO_IP));
  }
  return errors;
}

export function ingressStatusWarnings({ status }: Ingress): string[] {
  return (status.loadBalancer?.ingress ?? []).flatMap(({ ip }, i) => (ip ? ipWarnings(ip, STATUS.index(i)) : []));
}

function validateSpec({ spec }: Ingress, options: Options): Errors {
  const errors: Errors = [];
  const { defaultBackend, rules = [], tls = [], ingressClassName } = spec;
  if (rules.length === 0 && !defaultBackend)
    errors.push(fieldError.invalid(SPEC, spec.rules ?? (wasEmptied(spec, "rules") ? [] : null), "either `defaultBackend` or `rules` must be specified"));
  if (defaultBackend) validateBackend(errors, defaultBackend, SPEC.child("defaultBackend"));
  for (const [i, rule] of rules.entries()) validateRule(errors, rule, options, SPEC.child("rules").index(i));
  for (const [i, each] of tls.entries()) validateTls(errors, each, options, SPEC.child("tls").index(i));
  if (ingressClassName !== undefined) checkDnsSubdomain(errors, ingressClassName, SPEC.child("ingressClassName"));
  return errors;
}

function checkHost(errors: Errors, host: string, path: FieldPath): void {
  pushInvalid(errors, path, host, host.includes("*") ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host));
}

function validateTls(errors: Errors, { hosts = [], secretName = "" }: IngressTLS, options: Options, path: FieldPath): void {
  for (const [i, host] of hosts.entries()) checkHost(errors, host, path.child("hosts").index(i));
  if (secretName !== "" && !options.allowInvalidSecrets) checkDnsSubdomain(errors, secretName, path.child("secretName"));
}

function validateRule(errors: Errors, rule: IngressRule, options: Options, path: FieldPath): void {
  const { host = "" } = rule;
  if (host !== "") {
    if (canonicalIP(host) !== undefined) errors.push(fieldError.invalid(path.child("host"), host, NO_IP));
    checkHost(errors, host, path.child("host"));
  }
  if (!host.includes("*") || !options.allowInvalidWildcardRules) validateRuleValue(errors, rule, path);
}

function isInvalidRule(rule: IngressRule): boolean {
  const errors: Errors = [];
  validateRuleValue(errors, rule, SPEC);
  return errors.length > 0;
}

function validateRuleValue(errors: Errors, { http }: IngressRule, path: FieldPath): void {
  if (!http) return;
  const at = path.child("http", "paths");
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.push(fieldError.required(at));
  for (const [i, each] of paths.entries()) validatePath(errors, each, at.index(i));
}

function validatePath(errors: Errors, { path = "", pathType, backend }: HTTPIngressPath, at: FieldPath): void {
  if (pathType === undefined || pathType === null) return void errors.push(fieldError.required(at.child("pathType"), "pathType must be specified"));
  const told = at.child("path");
  const isExact = pathType === "Exact" || pathType === "Prefix";
  if (!isExact && pathType !== "ImplementationSpecific") {
    errors.push(fieldError.notSupported(at.child("pathType"), pathType, ["Exact", "ImplementationSpecific", "Prefix"]));
  } else if (!path.startsWith("/") && (isExact || path !== "")) errors.push(fieldError.invalid(told, path, "must be an absolute path"));
  if (isExact) {
    for (const bad of BAD_SEQUENCES) if (path.includes(bad)) errors.push(fieldError.invalid(told, path, `must not contain '${bad}'`));
    for (const bad of BAD_ENDS) if (path.endsWith(bad)) errors.push(fieldError.invalid(told, path, `cannot end with '${bad}'`));
  }
  validateBackend(errors, backend ?? {}, at.child("backend"));
}

function validateBackend(errors: Errors, { service, resource }: IngressBackend, path: FieldPath): void {
  if (resource && service) return void errors.push(fieldError.invalid(path, "", "cannot set both resource and service backends"));
  if (resource) return validateReference(errors, resource, path.child("resource"));
  if (!service) return void errors.push(fieldError.invalid(path, "", "resource or service backend is required"));
  const at = path.child("service");
  if (service.name) pushInvalid(errors, at.child("name"), service.name, isDns1035Label(service.name));
  else errors.push(fieldError.required(at.child("name")));
  const { name = "", number = 0 } = service.port ?? {};
  if (name !== "" && number !== 0) errors.push(fieldError.invalid(path, "", "cannot set both port name & port number"));
  else if (name !== "") pushInvalid(errors, at.child("port", "name"), name, isPortName(name));
  else if (number !== 0) pushInvalid(errors, at.child("port", "number"), number, isPortNumber(number));
  else errors.push(fieldError.required(path, "port name or number is required"));
}

/** A reference to an object of any kind. */
export function validateReference(errors: Errors, { apiGroup, kind = "", name = "" }: TypedLocalObjectReference, path: FieldPath): void {
  if (typeof apiGroup === "string") checkDnsSubdomain(errors, apiGroup, path.child("apiGroup"));
  for (const [field, value] of Object.entries({ kind, name })) {
    if (value === "") errors.push(fieldError.required(path.child(field)));
    else pushInvalid(errors, path.child(field), value, nameIsPathSegment(value));
  }
}
