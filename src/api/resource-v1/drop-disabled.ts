import type { Device, DeviceClaim, DeviceRequestAllocationResult, ResourceClaim, ResourceSlice } from "#api/resource-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";

import { deviceId } from "./validate-claim-status.ts";

/*
 * What belongs to features that are off in v1.35 when nobody says otherwise: DRAConsumableCapacity, DRADeviceTaints,
 * DRADeviceBindingConditions, DRAPartitionableDevices, DRAExtendedResource. Nothing stored has it, so nothing needs to be kept.
 */

export function dropFromClaim(devices: Mutable<DeviceClaim> | undefined): void {
  for (const { exactly, firstAvailable } of devices?.requests ?? []) {
    for (const request of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])]) {
      delete request.tolerations;
      delete request.capacity;
    }
  }
  for (const constraint of devices?.constraints ?? []) delete constraint.distinctAttribute;
}

export function dropFromClaimStatus({ status }: Mutable<ResourceClaim>): void {
  for (const result of status.allocation?.devices.results ?? []) {
    for (const field of ["shareID", "consumedCapacity", "bindingConditions", "bindingFailureConditions"] as const) {
      delete (result as Mutable<DeviceRequestAllocationResult>)[field];
    }
  }
  if (status.allocation) delete status.allocation.allocationTimestamp;
  for (const device of status.devices ?? []) delete device.shareID;
}

/** What is said of a device ends with its allocation. */
export function dropDeallocated({ status }: Mutable<ResourceClaim>, old: ResourceClaim): void {
  if (!status.devices) return;
  const standing = new Set((status.allocation?.devices.results ?? []).map(deviceId));
  const gone = new Set((old.status?.allocation?.devices.results ?? []).map(deviceId).filter((id) => !standing.has(id)));
  const kept = status.devices.filter((device) => !gone.has(deviceId(device)));
  if (kept.length > 0) status.devices = kept;
  else delete status.devices;
}

const DEVICE_FIELDS = [
  "taints",
  "consumesCounters",
  "nodeName",
  "nodeSelector",
  "allNodes",
  "bindingConditions",
  "bindingFailureConditions",
  "bindsToNode",
  "allowMultipleAllocations",
] as const satisfies readonly (keyof Device)[];

export function dropFromSlice({ spec }: Mutable<ResourceSlice>): void {
  delete spec.sharedCounters;
  delete spec.perDeviceNodeSelection;
  for (const device of spec.devices ?? []) {
    for (const field of DEVICE_FIELDS) delete device[field];
    for (const capacity of Object.values(device.capacity ?? {})) delete capacity.requestPolicy;
  }
}
