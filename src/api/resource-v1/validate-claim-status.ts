import { checkAllowed, checkDnsLabel, checkRequired, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { validateNodeSelector } from "#api/core-v1/pod-spec/validate-scheduling.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { AllocatedDeviceStatus, AllocationResult, NetworkDeviceData, ResourceClaim } from "#api/resource-v1/types.ts";
import { checkDriverName } from "#api/storage-v1/validate.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { parseCidr } from "#apimachinery/validation/cidr.ts";
import { validateConditions } from "#apimachinery/validation/object-meta.ts";

import { checkItems, checkPoolName, checkRaw, checkSet, checkUid } from "./checks.ts";
import { checkRequestReference, checkRequestReferences, MAX_CONFIG, type RequestNames, requestNames, validateConfiguration } from "./validate-claim.ts";

const STATUS = new FieldPath("status");
const MAX_CONSUMERS = 256;
const MAX_RESULTS = 32;
const MAX_CONDITIONS = 8;
const MAX_DATA_BYTES = 10 * 1024;
const MAX_IPS = 16;
const MAX_INTERFACE_NAME = 256;
const MAX_HARDWARE_ADDRESS = 128;

/** @see kubernetes pkg/apis/resource/validation/validation.go, ValidateResourceClaimStatusUpdate */
export function validateClaimStatus({ spec, status, metadata }: ResourceClaim, old: ResourceClaim): FieldError[] {
  const errors: Errors = [];
  const { allocation, reservedFor, devices } = status;
  const consumers = { max: MAX_CONSUMERS, path: STATUS.child("reservedFor"), keyOf: (each: { readonly uid: string }) => each.uid };
  checkSet(errors, reservedFor, consumers, (consumer, at) => {
    for (const field of ["resource", "name", "uid"] as const) checkRequired(errors, consumer[field], at, field);
  });
  const allocated = new Set((allocation?.devices.results ?? []).map(deviceId));
  validateDevices(errors, devices ?? [], allocated);
  if (reservedFor?.length && !allocation) errors.push(fieldError.forbidden(consumers.path, "may not be specified when `allocated` is not set"));
  if (allocation && metadata.deletionTimestamp !== undefined) checkNoNewConsumers(errors, status, old.status);
  if (old.status?.allocation && allocation) checkImmutable(errors, allocation, old.status.allocation, STATUS.child("allocation"));
  else if (allocation) validateAllocation(errors, allocation, requestNames(spec.devices), STATUS.child("allocation"));
  return errors;
}

interface DeviceName {
  readonly driver: string;
  readonly pool: string;
  readonly device: string;
  readonly shareID?: string | undefined;
}

export function deviceId({ driver, pool, device, shareID }: DeviceName): string {
  return `${driver}/${pool}/${device}${shareID === undefined ? "" : `/${shareID}`}`;
}

function checkNoNewConsumers(errors: Errors, { reservedFor }: ResourceClaim["status"], old: ResourceClaim["status"] | undefined): void {
  const known = new Set((old?.reservedFor ?? []).map((each) => JSON.stringify(each)));
  if ((reservedFor ?? []).every((each) => known.has(JSON.stringify(each)))) return;
  errors.push(fieldError.forbidden(STATUS.child("reservedFor"), "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"));
}

function validateDevices(errors: Errors, devices: readonly AllocatedDeviceStatus[], allocated: ReadonlySet<string>): void {
  const path = STATUS.child("devices");
  const seen = new Set<string>();
  for (const [i, device] of devices.entries()) validateDevice(errors, device, allocated, path.index(i));
  for (const [i, device] of devices.entries()) {
    const id = deviceId(device);
    if (seen.has(id)) errors.push({ type: "FieldValueDuplicate", field: path.index(i).text, text: `Duplicate value: ${id}` });
    seen.add(id);
  }
}

function validateDevice(errors: Errors, device: AllocatedDeviceStatus, allocated: ReadonlySet<string>, path: FieldPath): void {
  const { driver, pool, device: name, shareID, conditions, data, networkData } = device;
  checkDriverName(errors, driver, path.child("driver"));
  checkPoolName(errors, pool, path.child("pool"));
  checkDnsLabel(errors, name, path.child("device"));
  if (shareID !== undefined) checkUid(errors, shareID, path.child("shareID"));
  const id = deviceId(device);
  if (!allocated.has(id)) {
    errors.push({ type: "FieldValueInvalid", field: path.text, text: `Invalid value: ${id}: must be an allocated device in the claim` });
  }
  const count = conditions?.length ?? 0;
  if (count > MAX_CONDITIONS) errors.push(fieldError.tooMany(path.child("conditions"), count, MAX_CONDITIONS));
  errors.push(...validateConditions(conditions, path.child("conditions")));
  if (data !== undefined && data !== null) checkRaw(errors, data, MAX_DATA_BYTES, path.child("data"));
  if (networkData) validateNetworkData(errors, networkData, path.child("networkData"));
}

function validateNetworkData(errors: Errors, { interfaceName = "", hardwareAddress = "", ips }: NetworkDeviceData, path: FieldPath): void {
  if (interfaceName.length > MAX_INTERFACE_NAME) errors.push(fieldError.tooLong(path.child("interfaceName"), MAX_INTERFACE_NAME));
  if (hardwareAddress.length > MAX_HARDWARE_ADDRESS) errors.push(fieldError.tooLong(path.child("hardwareAddress"), MAX_HARDWARE_ADDRESS));
  checkSet(errors, ips, { max: MAX_IPS, path: path.child("ips"), keyOf: (ip) => ip }, (ip, at) => checkInterfaceAddress(errors, ip, at));
}

/** An address with the length of its network, in its one form. */
function checkInterfaceAddress(errors: Errors, value: string, path: FieldPath): void {
  const cidr = parseCidr(value);
  if (cidr === undefined) {
    return void errors.push(fieldError.invalid(path, value, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"));
  }
  const isMapped = !cidr.isIPv6 && cidr.addressBits === 128;
  const canonical = `${cidr.address}/${isMapped && cidr.prefixLength > 32 ? cidr.prefixLength - 96 : cidr.prefixLength}`;
  if (value !== canonical) errors.push(fieldError.invalid(path, value, `must be in canonical form (${JSON.stringify(canonical)})`));
}

function validateAllocation(errors: Errors, { devices, nodeSelector }: AllocationResult, names: RequestNames, path: FieldPath): void {
  const at = path.child("devices");
  checkItems(errors, devices.results, MAX_RESULTS, at.child("results"), (result, each) => {
    checkRequestReference(errors, result.request, names, each.child("request"));
    checkDriverName(errors, result.driver, each.child("driver"));
    checkPoolName(errors, result.pool, each.child("pool"));
    checkDnsLabel(errors, result.device, each.child("device"));
  });
  checkItems(errors, devices.config, 2 * MAX_CONFIG, at.child("config"), (config, each) => {
    if (config.source) checkAllowed(errors, config.source, ["FromClaim", "FromClass"], each.child("source"));
    else errors.push(fieldError.required(each.child("source")));
    checkRequestReferences(errors, config.requests, names, each.child("requests"));
    validateConfiguration(errors, config, each);
  });
  if (nodeSelector) validateNodeSelector(errors, nodeSelector, false, path.child("nodeSelector"));
}
