import type { PersistentVolume, PersistentVolumeClaim } from "#api/core-v1/types.ts";
import type { DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from "#api/resource-v1/types.ts";
import type { DeviceTaintRule } from "#api/resource-v1alpha3/types.ts";
import type { CSIDriver, CSINode, StorageClass, VolumeAttachment, VolumeAttributesClass } from "#api/storage-v1/types.ts";
import { canonicalQuantity } from "#apimachinery/quantity.ts";
import { age, ageOf, NONE, printer, UNSET, type Printers } from "#apiserver/tables/cells.ts";

const BETA_CLASS = "volume.beta.kubernetes.io/storage-class";
const DEFAULT_MARKS = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
const MODES: readonly (readonly [mode: string, short: string])[] = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
];

const accessModes = (modes: readonly string[] = []) =>
  MODES.filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(",");
const quantity = (value: string | undefined) => canonicalQuantity(value ?? "0");

export const storagePrinters: Printers = {
  "/PersistentVolume": printer<PersistentVolume>((volume, now) => [
    volume.metadata.name,
    quantity(volume.spec?.capacity?.["storage"]),
    accessModes(volume.spec?.accessModes),
    volume.spec?.persistentVolumeReclaimPolicy ?? "",
    volume.metadata.deletionTimestamp !== undefined ? "Terminating" : (volume.status?.phase ?? ""),
    volume.spec?.claimRef === undefined ? "" : `${volume.spec.claimRef.namespace ?? ""}/${volume.spec.claimRef.name ?? ""}`,
    volume.metadata.annotations?.[BETA_CLASS] ?? volume.spec?.storageClassName ?? "",
    volume.spec?.volumeAttributesClassName ?? UNSET,
    volume.status?.reason ?? "",
    ageOf(volume, now),
    volume.spec?.volumeMode ?? UNSET,
  ]),
  "/PersistentVolumeClaim": printer<PersistentVolumeClaim>((claim, now) => {
    const bound = claim.spec?.volumeName ? claim.status : undefined;
    return [
      claim.metadata.name,
      claim.metadata.deletionTimestamp !== undefined ? "Terminating" : (claim.status?.phase ?? ""),
      claim.spec?.volumeName ?? "",
      bound === undefined ? "" : quantity(bound.capacity?.["storage"]),
      bound === undefined ? "" : accessModes(bound.accessModes),
      claim.metadata.annotations?.[BETA_CLASS] ?? claim.spec?.storageClassName ?? "",
      claim.spec?.volumeAttributesClassName ?? UNSET,
      ageOf(claim, now),
      claim.spec?.volumeMode ?? UNSET,
    ];
  }),
  "storage.k8s.io/StorageClass": printer<StorageClass>((storageClass, now) => [
    DEFAULT_MARKS.some((mark) => storageClass.metadata.annotations?.[mark] === "true") ? `${storageClass.metadata.name} (default)` : storageClass.metadata.name,
    storageClass.provisioner,
    storageClass.reclaimPolicy ?? "Delete",
    storageClass.volumeBindingMode ?? "Immediate",
    storageClass.allowVolumeExpansion ?? false,
    ageOf(storageClass, now),
  ]),
  "storage.k8s.io/VolumeAttributesClass": printer<VolumeAttributesClass>((attributes, now) => [
    attributes.metadata.name,
    attributes.driverName,
    ageOf(attributes, now),
  ]),
  "storage.k8s.io/VolumeAttachment": printer<VolumeAttachment>((attachment, now) => [
    attachment.metadata.name,
    attachment.spec?.attacher ?? "",
    attachment.spec?.source?.persistentVolumeName ?? "",
    attachment.spec?.nodeName ?? "",
    attachment.status?.attached ?? false,
    ageOf(attachment, now),
  ]),
  "storage.k8s.io/CSINode": printer<CSINode>((node, now) => [node.metadata.name, node.spec?.drivers?.length ?? 0, ageOf(node, now)]),
  "storage.k8s.io/CSIDriver": printer<CSIDriver>((driver, now) => [
    driver.metadata.name,
    driver.spec?.attachRequired ?? true,
    driver.spec?.podInfoOnMount ?? false,
    driver.spec?.storageCapacity ?? false,
    driver.spec?.tokenRequests === undefined ? UNSET : driver.spec.tokenRequests.map(({ audience }) => audience).join(","),
    driver.spec?.requiresRepublish ?? false,
    (driver.spec?.volumeLifecycleModes ?? []).join(",") || NONE,
    ageOf(driver, now),
  ]),
  "resource.k8s.io/DeviceClass": printer<DeviceClass>((deviceClass, now) => [deviceClass.metadata.name, ageOf(deviceClass, now)]),
  "resource.k8s.io/ResourceClaim": printer<ResourceClaim>((claim, now) => [claim.metadata.name, claimState(claim), ageOf(claim, now)]),
  "resource.k8s.io/ResourceClaimTemplate": printer<ResourceClaimTemplate>((template, now) => [template.metadata.name, ageOf(template, now)]),
  "resource.k8s.io/ResourceSlice": printer<ResourceSlice>((slice, now) => [
    slice.metadata.name,
    slice.spec?.nodeName ?? "",
    slice.spec?.driver ?? "",
    slice.spec?.pool?.name ?? "",
    ageOf(slice, now),
  ]),
  "resource.k8s.io/DeviceTaintRule": printer<DeviceTaintRule>((rule, now) => {
    const taint = rule.spec?.taint;
    return [rule.metadata.name, taint?.key ?? "", taint?.value ?? "", taint?.effect ?? "", taint?.timeAdded ? age(taint.timeAdded, now) : "", ageOf(rule, now)];
  }),
};

function claimState({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp !== undefined;
  const allocated = status?.allocation !== undefined;
  const words = [deleted && "deleted", !allocated && !deleted && "pending", allocated && "allocated", allocated && status.reservedFor?.length && "reserved"];
  return words.filter(Boolean).join(",");
}
