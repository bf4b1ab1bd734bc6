import type {
  DeviceClaim,
  DeviceClass,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from "#api/resource-v1/types.ts";
import { resetMetadata } from "#api/reset-metadata.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { nameIsDnsSubdomain } from "#apimachinery/validation/names.ts";
import { sameJson } from "#lib/same-json.ts";

import { dropDeallocated, dropFromClaim, dropFromClaimStatus, dropFromSlice } from "./drop-disabled.ts";
import { validateClaim, validateClaimUpdate, validateTemplate, validateTemplateUpdate } from "./validate-claim.ts";
import { validateClaimStatus } from "./validate-claim-status.ts";
import { validateDeviceClass, validateSlice } from "./validate-slice.ts";

/** @see kubernetes pkg/registry/resource */
export const resourceClaimStrategy: Strategy<ResourceClaim> = {
  applyDefaults: ({ spec }) => applyClaimDefaults(spec?.devices),
  prepareForCreate: ({ spec }) => dropFromClaim(spec.devices),
  prepareForUpdate: ({ spec }) => dropFromClaim(spec.devices),
  validateCreate: validateClaim,
  validateUpdate: validateClaimUpdate,
  canonicalize: ({ spec }) => canonicalizeClaim(spec.devices),
  subresources: {
    status: {
      prepareForUpdate(claim, old) {
        resetMetadata(claim, old);
        dropFromClaimStatus(claim);
        dropDeallocated(claim, old);
      },
      validateUpdate: validateClaimStatus,
    },
  },
};

export const resourceClaimTemplateStrategy: Strategy<ResourceClaimTemplate> = {
  applyDefaults: ({ spec }) => applyClaimDefaults(spec?.spec?.devices),
  prepareForCreate: ({ spec }) => dropFromClaim(spec.spec?.devices),
  prepareForUpdate: ({ spec }) => dropFromClaim(spec.spec?.devices),
  validateCreate: validateTemplate,
  validateUpdate: validateTemplateUpdate,
  canonicalize: ({ spec }) => canonicalizeClaim(spec.spec.devices),
};

export const deviceClassStrategy: Strategy<DeviceClass> = {
  validateName: longName,
  prepareForCreate: dropExtendedName,
  prepareForUpdate: dropExtendedName,
  validateCreate: validateDeviceClass,
  validateUpdate: validateDeviceClass,
};

export const resourceSliceStrategy: Strategy<ResourceSlice> = {
  prepareForCreate: dropFromSlice,
  prepareForUpdate(slice, old) {
    // Upstream counts a change before it drops what is switched off.
    if (!sameJson(slice.spec, old.spec)) slice.metadata.generation = (old.metadata.generation ?? 0) + 1;
    dropFromSlice(slice);
  },
  validateCreate: (slice) => validateSlice(slice),
  validateUpdate: (slice, old) => validateSlice(slice, old),
  warningsOnCreate: driverWarnings,
  warningsOnUpdate: driverWarnings,
  selectableFieldNames: ["spec.nodeName", "spec.driver"],
  selectableFields: ({ spec }) => ({ "spec.nodeName": spec.nodeName ?? "", "spec.driver": spec.driver }),
};

/** The rules of subdomains, told with another unit. */
function longName(name: string, isPrefix: boolean): string[] {
  return nameIsDnsSubdomain(name, isPrefix).map((text) => text.replace("no more than 253 characters", "no more than 253 bytes"));
}

/** Upstream's storage does not tell an empty list from none, which is written as null. */
function canonicalizeClaim(devices: Mutable<DeviceClaim>): void {
  if (!devices.requests?.length && "requests" in devices) (devices as { requests: unknown }).requests = null;
}

function dropExtendedName({ spec }: Mutable<DeviceClass>): void {
  delete spec.extendedResourceName;
}

function driverWarnings({ spec: { driver } }: ResourceSlice): string[] {
  if (driver === driver.toLowerCase()) return [];
  return [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`];
}

function applyClaimDefaults(claim: Mutable<DeviceClaim> | undefined): void {
  for (const { exactly, firstAvailable } of claim?.requests ?? []) {
    for (const request of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])]) applyRequestDefaults(request);
  }
}

function applyRequestDefaults(request: Mutable<ExactDeviceRequest | DeviceSubRequest>): void {
  request.allocationMode ||= "ExactCount";
  if (request.allocationMode === "ExactCount") request.count ||= 1;
  for (const toleration of (request.tolerations ?? []) as Mutable<DeviceToleration>[]) toleration.operator ||= "Equal";
}
