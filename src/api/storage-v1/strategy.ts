import { isNegative, quantityText } from "#api/core-v1/pod-spec/quantities.ts";
import { oldLabelsInSelector, oldNodeLabel } from "#api/core-v1/pod-spec/old-node-labels.ts";
import { checkDnsSubdomain, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment, VolumeAttributesClass } from "#api/storage-v1/types.ts";
import { applyVolumeSourceDefaults } from "#api/core-v1/persistent-volume/defaults.ts";
import { resetMetadata } from "#api/reset-metadata.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { Strategy } from "#api/strategy.ts";
import { fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";
import { sameJson } from "#lib/same-json.ts";

import { applyCSIDriverDefaults, applyStorageClassDefaults } from "./defaults.ts";
import {
  validateAttributesClass,
  validateAttributesClassUpdate,
  validateCSIDriver,
  validateCSIDriverUpdate,
  validateCSINode,
  validateStorageClass,
  validateStorageClassUpdate,
} from "./validate.ts";
import { validateAttachment, validateAttachmentUpdate } from "./validate-attachment.ts";

/** @see kubernetes pkg/registry/storage */
export const storageClassStrategy: Strategy<StorageClass> = {
  applyDefaults: applyStorageClassDefaults,
  validateCreate: validateStorageClass,
  validateUpdate: validateStorageClassUpdate,
  warningsOnCreate: topologyWarnings,
  warningsOnUpdate: topologyWarnings,
};

export const volumeAttributesClassStrategy: Strategy<VolumeAttributesClass> = {
  validateCreate: validateAttributesClass,
  validateUpdate: validateAttributesClassUpdate,
};

export const csiDriverStrategy: Strategy<CSIDriver> = {
  allowUnconditionalUpdate: false,
  applyDefaults: applyCSIDriverDefaults,
  validateCreate: validateCSIDriver,
  validateUpdate: validateCSIDriverUpdate,
  warningsOnCreate: tokenWarnings,
  warningsOnUpdate: (driver, old) => (sameJson(driver.spec.tokenRequests, old.spec.tokenRequests) ? [] : tokenWarnings(driver)),
};

export const csiNodeStrategy: Strategy<CSINode> = {
  allowUnconditionalUpdate: false,
  validateCreate: validateCSINode,
  validateUpdate: validateCSINode,
  canonicalize({ spec }) {
    // Upstream's storage does not tell an empty list from none, which is written as null.
    if (!spec.drivers?.length) (spec as { drivers: unknown }).drivers = null;
    for (const driver of spec.drivers ?? []) if (driver.topologyKeys?.length === 0) (driver as { topologyKeys: unknown }).topologyKeys = null;
  },
};

export const volumeAttachmentStrategy: Strategy<VolumeAttachment> = {
  applyDefaults({ spec }) {
    if (spec?.source?.inlineVolumeSpec) applyVolumeSourceDefaults(spec.source.inlineVolumeSpec);
  },
  validateCreate: validateAttachment,
  validateUpdate: validateAttachmentUpdate,
  subresources: { status: { prepareForUpdate: resetMetadata, validateUpdate: validateAttachmentUpdate } },
};

export const csiStorageCapacityStrategy: Strategy<CSIStorageCapacity> = {
  allowUnconditionalUpdate: false,
  validateCreate({ nodeTopology, storageClassName = "", capacity }) {
    const errors: Errors = validateLabelSelector(nodeTopology, new FieldPath("nodeTopology"));
    checkDnsSubdomain(errors, storageClassName, new FieldPath("storageClassName"));
    if (capacity !== undefined && isNegative(capacity)) {
      errors.push(fieldError.invalid(new FieldPath("capacity"), quantityText(capacity), "must be greater than or equal to 0"));
    }
    return errors;
  },
  validateUpdate(capacity, old) {
    const errors: Errors = [];
    checkImmutable(errors, capacity.nodeTopology, old.nodeTopology, new FieldPath("nodeTopology"));
    checkImmutable(errors, capacity.storageClassName, old.storageClassName, new FieldPath("storageClassName"));
    return errors;
  },
  warningsOnCreate: capacityWarnings,
  warningsOnUpdate: capacityWarnings,
};

/** @see kubernetes pkg/api/storage/util.go */
function topologyWarnings({ allowedTopologies = [] }: StorageClass): string[] {
  return allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
    matchLabelExpressions.flatMap(({ key }, j) => {
      const text = oldNodeLabel(key);
      return text === undefined ? [] : [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${text}`];
    }),
  );
}

function capacityWarnings({ nodeTopology }: CSIStorageCapacity): string[] {
  return nodeTopology === undefined ? [] : oldLabelsInSelector(nodeTopology, new FieldPath("nodeTopology"));
}

function tokenWarnings({ spec }: CSIDriver): string[] {
  if (!spec.tokenRequests?.length || spec.serviceAccountTokenInSecrets !== undefined) return [];
  return [
    "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes",
  ];
}
