import type { ReplicaSet, ReplicaSetSpec } from "#api/apps-v1/types.ts";
import { checkNonNegative } from "#api/core-v1/pod-spec/checks.ts";
import { dropDisabledFields } from "#api/core-v1/pod-spec/drop-disabled.ts";
import type { PodSpecOptions } from "#api/core-v1/pod-spec/options.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

import { checkCounts, checkParts } from "./counts.ts";
import { applyReplicaSetDefaults } from "./defaults.ts";
import {
  checkSelected,
  isUsableSelector,
  printedSelector,
  nameWarnings,
  SPEC,
  templateOptions,
  templateWarnings,
  validateLastingTemplate,
  validateSelector,
} from "./template.ts";

/** @see kubernetes pkg/registry/apps/replicaset/strategy.go */
export const replicaSetStrategy: Strategy<ReplicaSet> = {
  applyDefaults: applyReplicaSetDefaults,
  prepareForCreate: ({ spec }) => dropDisabledFields(spec.template?.spec),
  prepareForUpdate: ({ spec }, old) => dropDisabledFields(spec.template?.spec, old.spec.template.spec),
  validateCreate: ({ spec }) => validateSpec(spec, templateOptions()),
  validateUpdate,
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...templateWarnings(spec.template)],
  warningsOnUpdate: ({ metadata, spec }, old) => (metadata.generation === old.metadata.generation ? [] : templateWarnings(spec.template)),
  hasGeneration: true,
  defaultDeletion: "background",
  subresources: { status: { validateUpdate: validateStatus } },
};

function validateUpdate({ spec }: ReplicaSet, old: ReplicaSet): FieldError[] {
  const errors = validateSpec(spec, templateOptions(old.spec.template));
  if (!sameJson(spec.selector, old.spec.selector))
    errors.push(fieldError.invalid(SPEC.child("selector"), printedSelector(spec.selector), "field is immutable"));
  return errors;
}

/** @see kubernetes pkg/apis/apps/validation/validation.go ValidateReplicaSetSpec */
function validateSpec(spec: ReplicaSetSpec, options: PodSpecOptions): FieldError[] {
  const errors: FieldError[] = [];
  checkNonNegative(errors, spec.replicas, SPEC, "replicas");
  checkNonNegative(errors, spec.minReadySeconds, SPEC, "minReadySeconds");
  validateSelector(errors, spec.selector, "deployment");
  if (spec.selector && !isUsableSelector(spec.selector)) {
    errors.push(fieldError.invalid(SPEC.child("selector"), printedSelector(spec.selector), "invalid label selector"));
    return errors;
  }
  checkSelected(errors, spec.selector, spec.template);
  validateLastingTemplate(errors, spec.template, options, "ReplicaSet");
  return errors;
}

const COUNTS = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration", "terminatingReplicas"];

function validateStatus({ status }: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  checkCounts(errors, status, COUNTS);
  checkParts(errors, status, ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], "replicas", "status.replicas");
  checkParts(errors, status, ["availableReplicas"], "readyReplicas", "readyReplicas");
  return errors;
}
