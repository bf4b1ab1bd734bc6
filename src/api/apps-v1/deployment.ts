import type { Deployment, DeploymentSpec, DeploymentStrategy } from "#api/apps-v1/types.ts";
import { checkNonNegative, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { dropDisabledFields } from "#api/core-v1/pod-spec/drop-disabled.ts";
import { goValue } from "#api/core-v1/pod-spec/go-values.ts";
import type { PodSpecOptions } from "#api/core-v1/pod-spec/options.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

import { checkCollisions, checkCounts, checkParts } from "./counts.ts";
import { applyDeploymentDefaults } from "./defaults.ts";
import { checkAtMostAll, intOrPercent, validateIntOrPercent } from "./int-or-percent.ts";
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

/** @see kubernetes pkg/registry/apps/deployment/strategy.go */
export const deploymentStrategy: Strategy<Deployment> = {
  applyDefaults: applyDeploymentDefaults,
  prepareForCreate: ({ spec }) => dropDisabledFields(spec.template?.spec),
  prepareForUpdate: ({ spec }, old) => dropDisabledFields(spec.template?.spec, old.spec.template.spec),
  validateCreate: ({ spec }) => validateSpec(spec, templateOptions()),
  validateUpdate,
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...templateWarnings(spec.template)],
  warningsOnUpdate: ({ metadata, spec }, old) => (metadata.generation === old.metadata.generation ? [] : templateWarnings(spec.template)),
  hasGeneration: true,
  generationFields: ({ metadata, spec }) => [spec, metadata.annotations],
  defaultDeletion: "background",
  subresources: { status: { prepareForUpdate: keepLabels, validateUpdate: validateStatus } },
};

function keepLabels({ metadata }: Mutable<Deployment>, old: Deployment): void {
  if (old.metadata.labels === undefined) delete metadata.labels;
  else metadata.labels = old.metadata.labels;
}

function validateUpdate({ spec }: Deployment, old: Deployment): FieldError[] {
  const errors = validateSpec(spec, templateOptions(old.spec.template));
  if (!sameJson(spec.selector, old.spec.selector))
    errors.push(fieldError.invalid(SPEC.child("selector"), printedSelector(spec.selector), "field is immutable"));
  return errors;
}

/** @see kubernetes pkg/apis/apps/validation/validation.go ValidateDeploymentSpec */
function validateSpec(spec: DeploymentSpec, options: PodSpecOptions): FieldError[] {
  const errors: FieldError[] = [];
  checkNonNegative(errors, spec.replicas, SPEC, "replicas");
  validateSelector(errors, spec.selector, "deployment");
  if (spec.selector && !isUsableSelector(spec.selector)) {
    errors.push(fieldError.invalid(SPEC.child("selector"), printedSelector(spec.selector), "invalid label selector"));
  } else {
    checkSelected(errors, spec.selector, spec.template);
    validateLastingTemplate(errors, spec.template, options, "ReplicaSet");
  }
  validateStrategy(errors, spec.strategy);
  checkNonNegative(errors, spec.minReadySeconds, SPEC, "minReadySeconds");
  checkNonNegative(errors, spec.revisionHistoryLimit, SPEC, "revisionHistoryLimit");
  const deadline = spec.progressDeadlineSeconds;
  checkNonNegative(errors, deadline, SPEC, "progressDeadlineSeconds");
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)) {
    errors.push(fieldError.invalid(SPEC.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds"));
  }
  return errors;
}

function validateStrategy(errors: Errors, strategy: DeploymentStrategy): void {
  const path = SPEC.child("strategy");
  const { type, rollingUpdate } = strategy;
  if (type === "Recreate") {
    if (rollingUpdate) errors.push(fieldError.forbidden(path.child("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'"));
    return;
  }
  if (type !== "RollingUpdate") {
    errors.push(fieldError.notSupported(path, goValue("DeploymentStrategy", strategy), ["Recreate", "RollingUpdate"]));
    return;
  }
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate ?? {};
  const at = path.child("rollingUpdate");
  validateIntOrPercent(errors, maxUnavailable, at.child("maxUnavailable"));
  validateIntOrPercent(errors, maxSurge, at.child("maxSurge"));
  if (intOrPercent(maxUnavailable) === 0 && intOrPercent(maxSurge) === 0) {
    errors.push(fieldError.invalid(at.child("maxUnavailable"), maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  }
  checkAtMostAll(errors, maxUnavailable, at.child("maxUnavailable"));
}

const COUNTS = [
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "terminatingReplicas",
  "collisionCount",
];

function validateStatus({ status }: Deployment, old: Deployment): FieldError[] {
  const errors: FieldError[] = [];
  checkCounts(errors, status, COUNTS);
  checkParts(errors, status, ["updatedReplicas", "readyReplicas", "availableReplicas"], "replicas", "status.replicas");
  checkParts(errors, status, ["availableReplicas"], "readyReplicas", "readyReplicas");
  checkCollisions(errors, status.collisionCount, old.status.collisionCount);
  return errors;
}
