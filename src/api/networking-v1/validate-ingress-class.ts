import { checkDnsLabel, checkDnsSubdomain, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { IngressClass, IngressClassParametersReference } from "#api/networking-v1/types.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { regexMessage } from "#apimachinery/validation/names.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";

import { validateReference } from "./validate-ingress.ts";

const CONTROLLER = new FieldPath("spec.controller");
const PARAMETERS = new FieldPath("spec.parameters");
const MAX_CONTROLLER = 250;
const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const HTTP_PATH_RE = new RegExp(`^${HTTP_PATH}$`);

/** @see kubernetes pkg/apis/networking/validation/validation.go ValidateIngressClass */
export function validateIngressClass({ spec }: IngressClass): FieldError[] {
  const errors: Errors = [];
  const controller = spec.controller ?? "";
  if (Buffer.byteLength(controller) > MAX_CONTROLLER) errors.push(fieldError.tooLong(CONTROLLER, MAX_CONTROLLER));
  checkDomainPrefixedPath(errors, controller, CONTROLLER);
  if (spec.parameters) validateParameters(errors, spec.parameters);
  return errors;
}

export function validateIngressClassUpdate(ingressClass: IngressClass, old: IngressClass): FieldError[] {
  const errors: Errors = [];
  checkImmutable(errors, ingressClass.spec.controller, old.spec.controller, CONTROLLER, ingressClass.spec.controller ?? "");
  return [...errors, ...validateObjectMeta(ingressClass.metadata, { namespaced: false }), ...validateIngressClass(ingressClass)];
}

function checkDomainPrefixedPath(errors: Errors, value: string, path: FieldPath): void {
  if (value === "") return void errors.push(fieldError.required(path));
  const slash = value.indexOf("/");
  const [host, rest] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)];
  if (slash < 0 || host === "" || rest === "") {
    return void errors.push(fieldError.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  }
  checkDnsSubdomain(errors, host, path);
  if (!HTTP_PATH_RE.test(rest)) errors.push(fieldError.invalid(path, rest, regexMessage("Invalid path", HTTP_PATH)));
}

function validateParameters(errors: Errors, parameters: IngressClassParametersReference): void {
  validateReference(errors, parameters, PARAMETERS);
  const { scope, namespace } = parameters;
  const at = PARAMETERS.child("namespace");
  if (scope === undefined) errors.push(fieldError.required(PARAMETERS.child("scope")));
  else if (scope === "Namespace") {
    if (namespace === undefined) errors.push(fieldError.required(at, "`parameters.scope` is set to 'Namespace'"));
    else checkDnsLabel(errors, namespace, at);
  } else if (scope !== "Cluster") errors.push(fieldError.notSupported(PARAMETERS.child("scope"), scope, ["Cluster", "Namespace"]));
  else if (namespace !== undefined) errors.push(fieldError.forbidden(at, "`parameters.scope` is set to 'Cluster'"));
}
