import { checkAllowed, checkNonNegative, checkQualifiedName, checkRequired, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import type { TopologySelectorTerm } from "#api/core-v1/types.ts";
import type { CSIDriver, CSINode, CSINodeDriver, StorageClass, TokenRequest, VolumeAttributesClass } from "#api/storage-v1/types.ts";
import { checkImmutable } from "#api/immutable.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Subdomain } from "#apimachinery/validation/names.ts";
import { validateObjectMeta } from "#apimachinery/validation/object-meta.ts";
import { sameJson } from "#lib/same-json.ts";

const SPEC = new FieldPath("spec");
const MAX_PARAMETERS = 512;
const MAX_PARAMETER_BYTES = 256 * 1024;
const MAX_NODE_ID = 256;
const MAX_DRIVER_NAME = 63;
const MIN_TOKEN_SECONDS = 600;
const MAX_TOKEN_SECONDS = 2 ** 32;
const MIN_PERIOD_SECONDS = 10;

type Parameters = Readonly<Record<string, string>> | undefined;

/** @see kubernetes pkg/apis/storage/validation/validation.go ValidateStorageClass */
export function validateStorageClass(storageClass: StorageClass): FieldError[] {
  const errors: Errors = [];
  checkProvisioner(errors, storageClass.provisioner, new FieldPath("provisioner"));
  checkParameters(errors, storageClass.parameters);
  const { reclaimPolicy, volumeBindingMode } = storageClass;
  if (reclaimPolicy) checkAllowed(errors, reclaimPolicy, ["Delete", "Retain"], new FieldPath("reclaimPolicy"));
  if (volumeBindingMode === undefined) errors.push(fieldError.required(new FieldPath("volumeBindingMode")));
  else checkAllowed(errors, volumeBindingMode, ["Immediate", "WaitForFirstConsumer"], new FieldPath("volumeBindingMode"));
  validateTopologies(errors, storageClass.allowedTopologies ?? [], new FieldPath("allowedTopologies"));
  return errors;
}

export function validateStorageClassUpdate(storageClass: StorageClass, old: StorageClass): FieldError[] {
  const errors = [...validateObjectMeta(storageClass.metadata, { namespaced: false }), ...validateStorageClass(storageClass)];
  for (const field of ["parameters", "provisioner", "reclaimPolicy"] as const) checkKept(errors, storageClass[field], old[field], field);
  checkImmutable(errors, storageClass.volumeBindingMode, old.volumeBindingMode, new FieldPath("volumeBindingMode"));
  return errors;
}

export function validateAttributesClass(attributesClass: VolumeAttributesClass): FieldError[] {
  const errors: Errors = [];
  checkProvisioner(errors, attributesClass.driverName, new FieldPath("driverName"));
  checkParameters(errors, attributesClass.parameters);
  if (Object.keys(attributesClass.parameters ?? {}).length === 0) {
    errors.push(fieldError.required(new FieldPath("parameters"), "must contain at least one key/value pair"));
  }
  return errors;
}

export function validateAttributesClassUpdate(attributesClass: VolumeAttributesClass, old: VolumeAttributesClass): FieldError[] {
  const errors: Errors = [];
  for (const field of ["driverName", "parameters"] as const) checkKept(errors, attributesClass[field], old[field], field);
  return [...errors, ...validateObjectMeta(attributesClass.metadata, { namespaced: false }), ...validateAttributesClass(attributesClass)];
}

function checkKept(errors: Errors, value: unknown, old: unknown, field: string): void {
  if (!sameJson(value, old)) errors.push(fieldError.forbidden(new FieldPath(field), `updates to ${field} are forbidden.`));
}

function checkProvisioner(errors: Errors, provisioner: string | undefined, path: FieldPath): void {
  if (provisioner) checkQualifiedName(errors, provisioner.toLowerCase(), path);
  else errors.push(fieldError.required(path));
}

function checkParameters(errors: Errors, parameters: Parameters): void {
  const path = new FieldPath("parameters");
  const entries = Object.entries(parameters ?? {});
  if (entries.length > MAX_PARAMETERS) return void errors.push(fieldError.tooLong(path, MAX_PARAMETERS));
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === "") errors.push(fieldError.invalid(path, key, "field can not be empty."));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_PARAMETER_BYTES) errors.push(fieldError.tooLong(path, MAX_PARAMETER_BYTES));
}

function validateTopologies(errors: Errors, terms: readonly TopologySelectorTerm[], path: FieldPath): void {
  // Upstream compares each with as many empty ones as there are terms, and with those before it.
  const others = terms.map(() => "[]");
  for (const [i, { matchLabelExpressions }] of terms.entries()) {
    const at = path.index(i).child("matchLabelExpressions");
    const keys = new Map<string, string[]>();
    for (const [j, { key = "", values: given }] of (matchLabelExpressions ?? []).entries()) {
      const values = given ?? [];
      if (values.length === 0) errors.push(fieldError.required(at.index(j).child("values")));
      for (const [k, value] of values.entries()) {
        if (values.indexOf(value) < k) errors.push(fieldError.duplicate(at.index(j).child("values").index(k), value));
      }
      checkQualifiedName(errors, key, at.index(j).child("key"));
      if (keys.has(key)) errors.push(fieldError.duplicate(at.index(j).child("key"), key));
      keys.set(key, [...new Set(values)].sort());
    }
    const identity = JSON.stringify([...keys].sort(([a], [b]) => (a < b ? -1 : 1)));
    for (const other of others) if (other === identity) errors.push(fieldError.duplicate(at, ""));
    others.push(identity);
  }
}

export function validateCSIDriver({ spec }: CSIDriver): FieldError[] {
  const errors: Errors = [];
  if (spec.fsGroupPolicy !== undefined) checkAllowed(errors, spec.fsGroupPolicy, ["File", "None", "ReadWriteOnceWithFSType"], SPEC.child("fsGroupPolicy"));
  validateTokenRequests(errors, spec.tokenRequests ?? [], SPEC.child("tokenRequests"));
  for (const mode of spec.volumeLifecycleModes ?? []) checkAllowed(errors, mode, ["Persistent", "Ephemeral"], SPEC.child("volumeLifecycleModes"));
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < MIN_PERIOD_SECONDS) {
    errors.push(fieldError.invalid(SPEC.child("nodeAllocatableUpdatePeriodSeconds"), period, `must be greater than or equal to ${MIN_PERIOD_SECONDS} seconds`));
  }
  const inSecrets = spec.serviceAccountTokenInSecrets;
  if (inSecrets !== undefined && !spec.tokenRequests?.length) {
    const why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
    errors.push(fieldError.invalid(SPEC.child("serviceAccountTokenInSecrets"), inSecrets, why));
  }
  return errors;
}

export function validateCSIDriverUpdate(driver: CSIDriver, old: CSIDriver): FieldError[] {
  const errors = validateCSIDriver(driver);
  checkImmutable(errors, driver.spec.attachRequired, old.spec.attachRequired, SPEC.child("attachedRequired"));
  checkImmutable(errors, driver.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, SPEC.child("volumeLifecycleModes"));
  return errors;
}

function validateTokenRequests(errors: Errors, requests: readonly TokenRequest[], path: FieldPath): void {
  const audiences = new Set<string>();
  for (const [i, { audience = "", expirationSeconds: seconds }] of requests.entries()) {
    const at = path.index(i);
    if (audiences.has(audience)) {
      errors.push(fieldError.duplicate(at.child("audience"), audience));
      continue;
    }
    audiences.add(audience);
    if (seconds === undefined) continue;
    if (seconds < MIN_TOKEN_SECONDS) errors.push(fieldError.invalid(at.child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes"));
    if (seconds > MAX_TOKEN_SECONDS)
      errors.push(fieldError.invalid(at.child("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds"));
  }
}

export function validateCSINode({ spec }: CSINode): FieldError[] {
  const errors: Errors = [];
  const names = new Set<string>();
  for (const [i, driver] of (spec.drivers ?? []).entries()) {
    const path = SPEC.child("drivers").index(i);
    validateNodeDriver(errors, driver, path);
    if (names.has(driver.name)) errors.push(fieldError.duplicate(path.child("name"), driver.name));
    names.add(driver.name);
    validateTopologyKeys(errors, driver.topologyKeys ?? [], path);
  }
  return errors;
}

function validateNodeDriver(errors: Errors, { name = "", nodeID = "", allocatable }: CSINodeDriver, path: FieldPath): void {
  checkDriverName(errors, name, path.child("name"));
  checkRequired(errors, nodeID, path, "nodeID");
  if (nodeID.length > MAX_NODE_ID) errors.push(fieldError.invalid(path.child("nodeID"), nodeID, `must be ${MAX_NODE_ID} characters or less`));
  checkNonNegative(errors, allocatable?.count, path, "allocatable", "count");
}

/** The name of a storage driver, wherever it stands. */
export function checkDriverName(errors: Errors, name: string, path: FieldPath): void {
  if (name === "") return void errors.push(fieldError.required(path));
  if (name.length > MAX_DRIVER_NAME) errors.push(fieldError.tooLong(path, MAX_DRIVER_NAME));
  pushInvalid(errors, path, name, isDns1123Subdomain(name.toLowerCase()));
}

function validateTopologyKeys(errors: Errors, keys: readonly string[], path: FieldPath): void {
  const seen = new Set<string>();
  for (const key of keys) {
    if (key === "") errors.push(fieldError.required(path));
    if (seen.has(key)) errors.push(fieldError.duplicate(path, key));
    seen.add(key);
    checkQualifiedName(errors, key, path);
  }
}
