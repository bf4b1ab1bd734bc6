import { getOwn } from "#apimachinery/decode/own.ts";
import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isQualifiedName } from "#apimachinery/validation/names.ts";

import { checkDnsLabel, type Errors, pushInvalid, sortedEntries } from "./checks.ts";
import { compareQuantities, isInteger, isNegative, isZero, quantityText, wholeUnits } from "./quantities.ts";
import type { ResourceList } from "./resource-list.ts";

const STANDARD_COMPUTE = ["cpu", "memory", "ephemeral-storage"];
const COUNTED = [
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
];
const STANDARD = new Set([
  ...STANDARD_COMPUTE,
  ...STANDARD_COMPUTE.map((name) => `requests.${name}`),
  ...STANDARD_COMPUTE.map((name) => `limits.${name}`),
  "storage",
  "requests.storage",
  ...COUNTED,
]);
const COUNTED_SET = new Set(COUNTED);

export const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
/** Of the unprefixed names, or those under kubernetes.io. */
export const isNative = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");
/** Whether containers may ask for less than their limit. */
export const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePages(name);
const isExtended = (name: string): boolean => !isNative(name) && !name.startsWith("requests.") && isQualifiedName(`requests.${name}`).length === 0;
const isCounted = (name: string): boolean => COUNTED_SET.has(name) || isExtended(name);
/** What may be asked for the pod as a whole. */
export const isPodLevelResource = (name: string): boolean => name === "cpu" || name === "memory" || isHugePages(name);

type NameCheck = (errors: Errors, name: string, path: FieldPath) => void;

/** @returns whether the name is one that any resource may have */
export function checkResourceName(errors: Errors, name: string, path: FieldPath): boolean {
  const messages = isQualifiedName(name);
  if (messages.length > 0) {
    pushInvalid(errors, path, name, messages);
    return false;
  }
  if (name.includes("/") || STANDARD.has(name) || isHugePages(name) || name.startsWith("requests.hugepages-")) return true;
  errors.push(fieldError.invalid(path, name, "must be a standard resource type or fully qualified"));
  return false;
}

export const checkContainerResourceName: NameCheck = (errors, name, path) => {
  checkResourceName(errors, name, path);
  if (!name.includes("/")) {
    if (!STANDARD_COMPUTE.includes(name) && !isHugePages(name)) errors.push(fieldError.invalid(path, name, "must be a standard resource for containers"));
  } else if (!isNative(name) && !isExtended(name)) {
    errors.push(fieldError.invalid(path, name, "doesn't follow extended resource name standard"));
  }
};

const checkPodResourceName: NameCheck = (errors, name, path) => {
  if (checkResourceName(errors, name, path) && !isPodLevelResource(name)) {
    errors.push(fieldError.notSupported(path, name, ["cpu", "hugepages-", "memory"]));
  }
};

/** A quantity of a resource: not negative, and whole where pieces are counted. */
export function checkQuantity(errors: Errors, name: string, quantity: string, path: FieldPath): void {
  if (isNegative(quantity)) errors.push(fieldError.invalid(path, quantityText(quantity), "must be greater than or equal to 0"));
  if (isCounted(name) && !isInteger(quantity)) errors.push(fieldError.invalid(path, quantity, "must be an integer"));
}

export interface ResourceOptions {
  readonly claimNames: ReadonlySet<string>;
  readonly allowIndivisibleHugePages: boolean;
}

export function validateContainerResources(errors: Errors, resources: core.ResourceRequirements, options: ResourceOptions, path: FieldPath): void {
  validateResources(errors, resources, checkContainerResourceName, options, path);
}

export function validatePodLevelResources(errors: Errors, resources: core.ResourceRequirements, options: ResourceOptions, path: FieldPath): void {
  validateResources(errors, resources, checkPodResourceName, options, path);
}

function validateResources(errors: Errors, resources: core.ResourceRequirements, checkName: NameCheck, options: ResourceOptions, path: FieldPath): void {
  const { limits, requests, claims } = resources;
  if (limits) validateLimits(errors, limits, checkName, options, path.child("limits"));
  if (requests) validateRequests(errors, requests, limits ?? {}, checkName, options, path);
  const all = { ...limits, ...requests };
  if (Object.keys(all).some(isHugePages) && !("cpu" in all) && !("memory" in all)) {
    errors.push(fieldError.forbidden(path, "HugePages require cpu or memory"));
  }
  if (claims) validateClaims(errors, claims, options.claimNames, path.child("claims"));
}

function validateLimits(errors: Errors, limits: ResourceList, checkName: NameCheck, options: ResourceOptions, path: FieldPath): void {
  for (const [name, quantity] of sortedEntries(limits)) {
    const at = path.key(name);
    checkName(errors, name, at);
    checkQuantity(errors, name, quantity, at);
    checkHugePages(errors, name, quantity, options, at);
  }
}

function validateRequests(errors: Errors, requests: ResourceList, limits: ResourceList, checkName: NameCheck, options: ResourceOptions, path: FieldPath): void {
  const requestsPath = path.child("requests");
  for (const [name, quantity] of sortedEntries(requests)) {
    const at = requestsPath.key(name);
    checkName(errors, name, at);
    checkQuantity(errors, name, quantity, at);
    const limit = getOwn(limits, name);
    if (limit !== undefined) {
      const order = compareQuantities(quantity, limit);
      if (order !== 0 && !isOvercommitAllowed(name)) {
        errors.push(fieldError.invalid(requestsPath, quantityText(quantity), `must be equal to ${name} limit of ${quantityText(limit)}`));
      } else if (order > 0) {
        errors.push(fieldError.invalid(requestsPath, quantityText(quantity), `must be less than or equal to ${name} limit of ${quantityText(limit)}`));
      }
    } else if (!isOvercommitAllowed(name)) {
      errors.push(fieldError.required(path.child("limits"), "Limit must be set for non overcommitable resources"));
    }
    checkHugePages(errors, name, quantity, options, at);
  }
}

function checkHugePages(errors: Errors, name: string, quantity: string, options: ResourceOptions, path: FieldPath): void {
  if (!isHugePages(name) || options.allowIndivisibleHugePages || isDivisible(name, quantity)) return;
  errors.push(fieldError.invalid(path, quantityText(quantity), `${quantityText(quantity)} is not positive integer multiple of ${name}`));
}

export function isDivisible(name: string, quantity: string): boolean {
  const page = wholeUnits(name.slice("hugepages-".length));
  const value = wholeUnits(quantity);
  if (page === undefined || page <= 0n || !isInteger(name.slice("hugepages-".length)) || value === undefined) return false;
  return value % page === 0n;
}

function validateClaims(errors: Errors, claims: readonly core.ResourceClaim[], podClaims: ReadonlySet<string>, path: FieldPath): void {
  const seen = new Set<string>();
  for (const [i, { name = "", request = "" }] of claims.entries()) {
    const at = path.index(i);
    if (name === "") {
      errors.push(fieldError.required(at));
      continue;
    }
    if (seen.has(name)) errors.push(fieldError.duplicate(at, name));
    else {
      if (request !== "") checkDnsLabel(errors, request, at.child("request"));
      const key = request === "" ? name : `${name}/${request}`;
      if (seen.has(key)) errors.push(fieldError.duplicate(at, key));
      else if (request === "") {
        for (const other of seen) if (other.startsWith(`${name}/`)) errors.push(fieldError.duplicate(at, name));
      }
      seen.add(key);
    }
    if (!podClaims.has(name)) {
      const known = podClaims.size === 0 ? " which is empty" : `: ${[...podClaims].sort().join(", ")}`;
      const error = fieldError.notFound(at, name);
      errors.push({ ...error, text: `${error.text}: must be one of the names in pod.spec.resourceClaims${known}` });
    }
  }
}

const BYTE_DIVISORS = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
const BYTES_TEXT = `only divisor's values ${BYTE_DIVISORS.join(", ")} are supported with the`;

/** The unit that a resource is told in to the container that asks for it. */
export function checkDivisor(errors: Errors, resource: string, divisor: string | undefined, path: FieldPath): void {
  if (divisor === undefined || isZero(divisor)) return;
  const check = (allowed: readonly string[], text: string) => {
    if (!allowed.includes(quantityText(divisor))) errors.push(fieldError.invalid(path.child("divisor"), resource, text));
  };
  const name = resource.slice(resource.indexOf(".") + 1);
  if (!resource.startsWith("limits.") && !resource.startsWith("requests.")) return;
  if (name === "cpu") check(["1m", "1"], "only divisor's values 1m and 1 are supported with the cpu resource");
  else if (name === "memory") check(BYTE_DIVISORS, `${BYTES_TEXT} memory resource`);
  else if (name === "ephemeral-storage") check(BYTE_DIVISORS, `${BYTES_TEXT} local ephemeral storage resource`);
  else if (isHugePages(name)) check(BYTE_DIVISORS, `${BYTES_TEXT} hugepages resource`);
}
