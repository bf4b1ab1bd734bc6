import type { DeviceClaim, DeviceSubRequest, DeviceToleration, ExactDeviceRequest, ResourceClaim, ResourceClaimTemplate } from "#api/resource-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";

/** @see kubernetes pkg/registry/resource */
export const resourceClaimStrategy: Strategy<ResourceClaim> = { applyDefaults: ({ spec }) => applyClaimDefaults(spec?.devices) };
export const resourceClaimTemplateStrategy: Strategy<ResourceClaimTemplate> = { applyDefaults: ({ spec }) => applyClaimDefaults(spec?.spec?.devices) };

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
