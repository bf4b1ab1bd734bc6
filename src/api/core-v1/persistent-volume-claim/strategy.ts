import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { type FieldError, FieldPath } from "#apimachinery/field-error.ts";

import type { Errors } from "../pod-spec/checks.ts";
import { isInteger, quantityText } from "../pod-spec/quantities.ts";
import { roundResourceList } from "../pod-spec/resource-list.ts";
import { validateClaimSpec } from "../pod-spec/validate-claim.ts";
import { applyClaimSpecDefaults } from "../pod-spec/volume-defaults.ts";
import { validateClaimStatus } from "./validate-status.ts";
import { validateClaimUpdate } from "./validate-update.ts";

/** @see kubernetes pkg/registry/core/persistentvolumeclaim/strategy.go */
export const persistentVolumeClaimStrategy: Strategy<PersistentVolumeClaim> = {
  applyDefaults({ spec, status }) {
    if (spec) applyClaimSpecDefaults(spec);
    if (!status) return;
    status.phase ||= "Pending";
    roundResourceList(status.capacity);
    roundResourceList(status.allocatedResources);
  },
  prepareForCreate(claim) {
    claim.status = { phase: "Pending" };
    normalizeSources(claim.spec);
  },
  prepareForUpdate: ({ spec }) => normalizeSources(spec),
  validateCreate: ({ spec }): FieldError[] => {
    const errors: Errors = [];
    validateClaimSpec(errors, spec, new FieldPath("spec"));
    return errors;
  },
  validateUpdate: validateClaimUpdate,
  subresources: { status: { validateUpdate: validateClaimStatus } },
  warningsOnCreate: warnings,
  warningsOnUpdate: warnings,
};

const SNAPSHOTS = "snapshot.storage.k8s.io";

/** Two fields say where a claim's data comes from; each follows the other, and the older one drops what it never knew. */
function normalizeSources(spec: Mutable<PersistentVolumeClaimSpec>): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef && !isKnownSource(dataSource)) delete spec.dataSource;
  if (dataSourceRef?.namespace) return;
  if (spec.dataSource && !dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (dataSourceRef && !spec.dataSource) {
    const { apiGroup, kind, name } = dataSourceRef;
    spec.dataSource = { ...(apiGroup !== undefined && { apiGroup }), kind, name };
  }
}

function isKnownSource({ apiGroup = "", kind }: NonNullable<PersistentVolumeClaimSpec["dataSource"]>): boolean {
  return (apiGroup === "" && kind === "PersistentVolumeClaim") || (apiGroup === SNAPSHOTS && kind === "VolumeSnapshot");
}

const CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class";

function warnings({ metadata, spec }: PersistentVolumeClaim): string[] {
  const path = new FieldPath("spec.resources");
  const deprecated = metadata.annotations?.[CLASS_ANNOTATION] === undefined ? [] : [`metadata.annotations[${CLASS_ANNOTATION}]: ${ANNOTATION_TEXT}`];
  const fractions = (["requests", "limits"] as const).flatMap((list) => {
    const quantity = spec.resources?.[list]?.["storage"];
    if (quantity === undefined || isInteger(quantity)) return [];
    return [`${path.child(list).key("storage").text}: fractional byte value ${JSON.stringify(quantityText(quantity))} is invalid, must be an integer`];
  });
  return [...deprecated, ...fractions];
}

const ANNOTATION_TEXT = 'deprecated since v1.8; use "storageClassName" attribute instead';
