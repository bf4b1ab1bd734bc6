import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "#api/certificates-v1/types.ts";
import { checkAllowed, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

import { checkSignerName } from "./signer-name.ts";
import { certificateFault, requestFault } from "./signing-request.ts";

type Request = CertificateSigningRequest;

const SPEC = new FieldPath("spec");
const STATUS = new FieldPath("status");
const CONDITIONS = STATUS.child("conditions");
const LEGACY_SIGNER = "kubernetes.io/legacy-unknown";
const MIN_SECONDS = 600;
const DECISIONS = ["Approved", "Denied"];
/** These are true, or not there. */
const TRUE_ONLY = [...DECISIONS, "Failed"];
const USAGES = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];

/** What this way of writing may change, besides metadata. */
export interface Allowed {
  readonly certificate?: boolean;
  readonly decisions?: boolean;
}

/** @see kubernetes pkg/apis/certificates/validation/validation.go */
export function validateRequest(request: Request): FieldError[] {
  return validateWhole(request, undefined);
}

export function validateRequestUpdate(request: Request, old: Request, allowed: Allowed = {}): FieldError[] {
  const errors = validateWhole(request, old);
  for (const type of TRUE_ONLY) {
    if (ofType(request, type).length < ofType(old, type).length) {
      errors.push(fieldError.forbidden(CONDITIONS, `updates may not remove a condition of type ${JSON.stringify(type)}`));
    }
  }
  for (const type of allowed.decisions ? [] : DECISIONS) {
    if (ofType(request, type).length > ofType(old, type).length) {
      errors.push(fieldError.forbidden(CONDITIONS, `updates may not add a condition of type ${JSON.stringify(type)}`));
    }
  }
  const [certificate, before] = [request.status.certificate ?? "", old.status.certificate ?? ""];
  if (certificate === before) return errors;
  const path = STATUS.child("certificate");
  if (!allowed.certificate) errors.push(fieldError.forbidden(path, "updates may not set certificate content"));
  else if (before !== "") errors.push(fieldError.forbidden(path, "updates may not modify existing certificate content"));
  return errors;
}

const ofType = ({ status }: Request, type: string) => (status?.conditions ?? []).filter((each) => each.type === type);

/** What is wrong in a request that stands may stay so. */
function validateWhole(request: Request, old: Request | undefined): Errors {
  const errors: Errors = [];
  const { request: pem, usages, signerName, expirationSeconds: seconds } = request.spec;
  const fault = requestFault(pem ?? "");
  if (fault !== undefined) errors.push(fieldError.invalid(SPEC.child("request"), pem || undefined, fault));
  validateUsages(errors, usages ?? [], old?.spec.usages ?? []);
  const at = SPEC.child("signerName");
  if (signerName === LEGACY_SIGNER && old?.spec.signerName !== LEGACY_SIGNER) {
    errors.push(fieldError.invalid(at, signerName, "the legacy signerName is not allowed via this API version"));
  } else checkSignerName(errors, signerName ?? "", at);
  if (seconds !== undefined && seconds < MIN_SECONDS) {
    errors.push(fieldError.invalid(SPEC.child("expirationSeconds"), seconds, `may not specify a duration less than ${MIN_SECONDS} seconds (10 minutes)`));
  }
  validateConditions(errors, request.status?.conditions ?? [], old?.status?.conditions ?? []);
  const certificate = request.status?.certificate;
  const isOld = old !== undefined && (sameJson(certificate, old.status.certificate) || certificateFault(old.status.certificate) !== undefined);
  const wrong = isOld ? undefined : certificateFault(certificate);
  if (wrong !== undefined) errors.push(fieldError.invalid(STATUS.child("certificate"), "<certificate data>", wrong));
  return errors;
}

function validateUsages(errors: Errors, usages: readonly string[], old: readonly string[]): void {
  const path = SPEC.child("usages");
  if (usages.length === 0) errors.push(fieldError.required(path));
  const allowUnknown = old.some((usage) => !USAGES.includes(usage));
  for (const [i, usage] of usages.entries()) if (!allowUnknown) checkAllowed(errors, usage, USAGES, path.index(i));
  if (hasRepeated(old)) return;
  for (const [i, usage] of usages.entries()) if (usages.indexOf(usage) < i) errors.push(fieldError.duplicate(path.index(i), usage));
}

const hasRepeated = (values: readonly string[]) => new Set(values).size < values.length;

type Conditions = readonly CertificateSigningRequestCondition[];

function validateConditions(errors: Errors, conditions: Conditions, old: Conditions): void {
  const oldTypes = old.map(({ type }) => type);
  const allowBoth = DECISIONS.every((type) => oldTypes.includes(type));
  const seen = new Set<string>();
  for (const [i, { type = "", status = "" }] of conditions.entries()) {
    const at = CONDITIONS.index(i);
    if (type === "" && !oldTypes.includes("")) errors.push(fieldError.required(at.child("type")));
    if (status === "") errors.push(fieldError.required(at.child("status")));
    else checkAllowed(errors, status, TRUE_ONLY.includes(type) ? ["True"] : ["False", "True", "Unknown"], at.child("status"));
    if (!allowBoth && DECISIONS.includes(type) && DECISIONS.some((other) => other !== type && seen.has(other))) {
      errors.push(fieldError.invalid(CONDITIONS, type, "Approved and Denied conditions are mutually exclusive"));
    }
    if (seen.has(type) && !hasRepeated(oldTypes)) errors.push(fieldError.duplicate(at.child("type"), type));
    seen.add(type);
  }
}
