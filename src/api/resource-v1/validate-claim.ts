import { checkAllowed, checkDnsLabel, checkDnsSubdomain, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { checkTemplateMetadata } from "#api/core-v1/pod-spec/validate-claim.ts";
import { goValue } from "#api/core-v1/pod-spec/go-values.ts";
import { checkImmutable } from "#api/immutable.ts";
import { checkDriverName } from "#api/storage-v1/validate.ts";
import type {
  DeviceClaim,
  DeviceConfiguration,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimTemplate,
} from "#api/resource-v1/types.ts";
import { isObject } from "#apimachinery/decode/own.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";

import { checkFullName, checkItems, checkRaw, checkSet } from "./checks.ts";

const SPEC = new FieldPath("spec");
const MAX_REQUESTS = 32;
const MAX_CONSTRAINTS = 32;
export const MAX_CONFIG = 32;
const MAX_ALTERNATIVES = 8;
const MAX_SELECTORS = 32;
const MAX_EXPRESSION_BYTES = 10 * 1024;
const MAX_PARAMETER_BYTES = 10 * 1024;
const MODES = ["All", "ExactCount"];
const UNKNOWN_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/** @see kubernetes pkg/apis/resource/validation/validation.go */
export function validateClaim({ spec }: ResourceClaim): FieldError[] {
  const errors: Errors = [];
  validateDevices(errors, spec.devices, SPEC.child("devices"));
  return errors;
}

/** The spec never changes, so that nothing else is said of it. */
export function validateClaimUpdate(claim: ResourceClaim, old: ResourceClaim): FieldError[] {
  const errors: Errors = validateObjectMeta(claim.metadata, { namespaced: true });
  checkImmutable(errors, withoutEmpty(claim.spec), withoutEmpty(old.spec), SPEC, goValue("ResourceClaimSpec", claim.spec));
  return errors;
}

export function validateTemplate({ spec }: ResourceClaimTemplate): FieldError[] {
  const errors: Errors = [];
  checkTemplateMetadata(errors, spec.metadata, SPEC.child("metadata"));
  validateDevices(errors, spec.spec?.devices, SPEC.child("spec", "devices"));
  return errors;
}

export function validateTemplateUpdate(template: ResourceClaimTemplate, old: ResourceClaimTemplate): FieldError[] {
  const { metadata, spec } = template;
  const errors: Errors = [...validateObjectMeta(metadata, { namespaced: true }), ...validateTemplate(template)];
  checkImmutable(errors, withoutEmpty(spec), withoutEmpty(old.spec), SPEC, goValue("ResourceClaimTemplateSpec", spec));
  return errors;
}

/** An empty list is as good as none. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null && !(Array.isArray(inner) && inner.length === 0));
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutEmpty(inner)]));
}

function validateDevices(errors: Errors, devices: DeviceClaim | undefined, path: FieldPath): void {
  const { requests, constraints, config } = devices ?? {};
  const names = requestNames(devices);
  const set = { max: MAX_REQUESTS, path: path.child("requests"), keyOf: ({ name }: DeviceRequest) => name };
  checkSet(errors, requests, set, (request, at) => validateRequest(errors, request, at));
  checkItems(errors, constraints, MAX_CONSTRAINTS, path.child("constraints"), (constraint, at) => validateConstraint(errors, constraint, names, at));
  checkItems(errors, config, MAX_CONFIG, path.child("config"), (each, at) => {
    checkRequestReferences(errors, each.requests, names, at.child("requests"));
    validateConfiguration(errors, each, at);
  });
}

/** The requests of a claim by name, with the names of their alternatives. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

export function requestNames(devices: DeviceClaim | undefined): RequestNames {
  return new Map((devices?.requests ?? []).map(({ name, firstAvailable }) => [name, new Set((firstAvailable ?? []).map((each) => each.name))]));
}

export function checkRequestReferences(errors: Errors, names: readonly string[] | undefined, known: RequestNames, path: FieldPath): void {
  checkSet(errors, names, { max: MAX_REQUESTS, path, keyOf: (name) => name }, (name, at) => checkRequestReference(errors, name, known, at));
}

export function checkRequestReference(errors: Errors, reference: string, known: RequestNames, path: FieldPath): void {
  const parts = reference.split("/");
  const [request = "", alternative] = parts;
  if (parts.length <= 2) for (const part of parts) checkDnsLabel(errors, part, path);
  const alternatives = parts.length <= 2 ? known.get(request) : undefined;
  const isKnown = alternatives !== undefined && (alternative === undefined || alternatives.has(alternative));
  if (!isKnown) errors.push(fieldError.invalid(path, reference, UNKNOWN_REQUEST));
}

function validateRequest(errors: Errors, { name, exactly, firstAvailable }: DeviceRequest, path: FieldPath): void {
  checkDnsLabel(errors, name, path.child("name"));
  const hasAlternatives = (firstAvailable?.length ?? 0) > 0;
  const rule = "exactly one of `exactly` or `firstAvailable` is required";
  if (!exactly && !hasAlternatives) return void errors.push(fieldError.required(path, rule));
  if (exactly && hasAlternatives) return void errors.push(fieldError.invalid(path, undefined, `${rule}, but multiple fields are set`));
  if (exactly) return validateDevice(errors, exactly, path.child("exactly"));
  const set = { max: MAX_ALTERNATIVES, path: path.child("firstAvailable"), keyOf: (each: DeviceSubRequest) => each.name };
  checkSet(errors, firstAvailable, set, (each, at) => {
    checkDnsLabel(errors, each.name, at.child("name"));
    validateDevice(errors, each, at);
  });
}

function validateDevice(errors: Errors, request: ExactDeviceRequest | DeviceSubRequest, path: FieldPath): void {
  const { deviceClassName, selectors, allocationMode = "", count = 0 } = request;
  if (deviceClassName) checkDnsSubdomain(errors, deviceClassName, path.child("deviceClassName"));
  else errors.push(fieldError.required(path.child("deviceClassName")));
  validateSelectors(errors, selectors, path.child("selectors"));
  const at = path.child("count");
  if (allocationMode === "All" && count !== 0) errors.push(fieldError.invalid(at, count, "must not be specified when allocationMode is 'All'"));
  if (allocationMode === "ExactCount" && count <= 0) errors.push(fieldError.invalid(at, count, "must be greater than zero"));
  checkAllowed(errors, allocationMode, MODES, path.child("allocationMode"));
}

export function validateSelectors(errors: Errors, selectors: readonly DeviceSelector[] | undefined, path: FieldPath): void {
  checkItems(errors, selectors, MAX_SELECTORS, path, ({ cel }, at) => {
    if (!cel) errors.push(fieldError.required(at.child("cel")));
    else if (Buffer.byteLength(cel.expression) > MAX_EXPRESSION_BYTES) errors.push(fieldError.tooLong(at.child("cel", "expression"), MAX_EXPRESSION_BYTES));
  });
}

function validateConstraint(errors: Errors, { requests, matchAttribute }: DeviceConstraint, names: RequestNames, path: FieldPath): void {
  checkRequestReferences(errors, requests, names, path.child("requests"));
  if (matchAttribute === undefined) errors.push(fieldError.required(path.child("matchAttribute")));
  else checkFullName(errors, matchAttribute, path.child("matchAttribute"));
}

export function validateConfiguration(errors: Errors, { opaque }: DeviceConfiguration, path: FieldPath): void {
  const at = path.child("opaque");
  if (!opaque) return void errors.push(fieldError.required(at));
  checkDriverName(errors, opaque.driver, at.child("driver"));
  checkRaw(errors, opaque.parameters, MAX_PARAMETER_BYTES, at.child("parameters"));
}
