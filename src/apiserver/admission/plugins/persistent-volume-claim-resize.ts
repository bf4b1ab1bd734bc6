import type { PersistentVolumeClaim } from "#api/core-v1/types.ts";
import { compareQuantities, parseQuantity } from "#apimachinery/quantity.ts";
import type { AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { forbidden, targets } from "#apiserver/admission/plugins/attributes.ts";
import { BETA_STORAGE_CLASS, STORAGE_CLASSES } from "#apiserver/admission/plugins/default-class.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

/** Only bound claims of a class that allows it may grow. */
export function persistentVolumeClaimResize(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "PersistentVolumeClaimResize",
    handles: (target) => targets(target, "", "persistentvolumeclaims", "UPDATE"),
    validate(attributes) {
      const claim = attributes.object as PersistentVolumeClaim;
      const old = attributes.oldObject as PersistentVolumeClaim;
      if (compareQuantities(sizeOf(claim), sizeOf(old)) <= 0) return;
      if (old.status?.phase !== "Bound") throw forbidden(attributes, "Only bound persistent volume claims can be expanded");
      const name = classOf(claim);
      const allowed = name !== "" && name === classOf(old) && (reader.lookup(STORAGE_CLASSES, "", name)?.allowVolumeExpansion ?? false);
      if (!allowed)
        throw forbidden(attributes, "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
    },
  };
}

const sizeOf = ({ spec }: PersistentVolumeClaim) => parseQuantity(spec?.resources?.requests?.["storage"] ?? "0");

const classOf = ({ metadata, spec }: PersistentVolumeClaim): string => metadata.annotations?.[BETA_STORAGE_CLASS] ?? spec?.storageClassName ?? "";
