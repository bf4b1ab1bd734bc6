import { checkCounts, checkParts } from "#api/apps-v1/counts.ts";
import { nameWarnings, selects, SPEC, TEMPLATE, templateOptions, templateWarnings, validateLastingTemplate } from "#api/apps-v1/template.ts";
import type { ReplicationController, ReplicationControllerSpec } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError } from "#apimachinery/field-error.ts";
import { nameIsDnsSubdomain } from "#apimachinery/validation/names.ts";

import { checkNonNegative } from "../pod-spec/checks.ts";
import { applyTemplateDefaults } from "../pod-spec/defaults.ts";
import { dropDisabledFields } from "../pod-spec/drop-disabled.ts";
import { goLabels } from "../pod-spec/go-values.ts";
import type { PodSpecOptions } from "../pod-spec/options.ts";

/** @see kubernetes pkg/registry/core/replicationcontroller/strategy.go */
export const replicationControllerStrategy: Strategy<ReplicationController> = {
  applyDefaults,
  prepareForCreate: ({ spec }) => dropDisabledFields(spec.template?.spec),
  prepareForUpdate: ({ spec }, old) => dropDisabledFields(spec.template?.spec, old.spec.template?.spec),
  validateCreate: ({ spec }) => validateSpec(spec, templateOptions()),
  validateUpdate: ({ spec }, old) => validateSpec(spec, templateOptions(old.spec.template)),
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...(spec.template ? templateWarnings(spec.template) : [])],
  // Upstream looks at the old template here.
  warningsOnUpdate: ({ metadata }, { metadata: before, spec: { template } }) =>
    metadata.generation === before.generation || !template ? [] : templateWarnings(template),
  // Upstream has moved this kind to newer checks, which count bytes.
  validateName: (name, isPrefix) => nameIsDnsSubdomain(name, isPrefix).map((message) => message.replace(/(?<=\d )characters$/, "bytes")),
  hasGeneration: true,
  defaultDeletion: "orphan",
  selectableFields: ({ status }) => ({ "status.replicas": String(status.replicas ?? 0) }),
  selectableFieldNames: ["status.replicas"],
  subresources: { status: { validateUpdate: validateStatus } },
};

/** Selector and labels come from the template's labels when they are empty. */
function applyDefaults(controller: Mutable<ReplicationController>): void {
  const { metadata, spec } = controller;
  if (!spec) return;
  const labels = spec.template?.metadata?.labels;
  if (labels) {
    if (isEmpty(spec.selector)) spec.selector = { ...labels };
    if (isEmpty(metadata.labels)) metadata.labels = { ...labels };
  }
  spec.replicas ??= 1;
  applyTemplateDefaults(spec.template);
}

const isEmpty = (labels: Readonly<Record<string, string>> | undefined) => labels === undefined || Object.keys(labels).length === 0;

function validateSpec({ minReadySeconds, selector = {}, replicas, template }: ReplicationControllerSpec, options: PodSpecOptions): FieldError[] {
  const errors: FieldError[] = [];
  checkNonNegative(errors, minReadySeconds, SPEC, "minReadySeconds");
  if (isEmpty(selector)) errors.push(fieldError.required(SPEC.child("selector")));
  if (replicas === undefined) errors.push(fieldError.required(SPEC.child("replicas")));
  else checkNonNegative(errors, replicas, SPEC, "replicas");
  if (!template) {
    errors.push(fieldError.required(TEMPLATE));
    return errors;
  }
  const labels = template.metadata?.labels;
  if (!selects({ matchLabels: selector }, labels ?? {})) {
    errors.push(fieldError.invalid(TEMPLATE.child("metadata", "labels"), goLabels(template.metadata), "`selector` does not match template `labels`"));
  }
  validateLastingTemplate(errors, template, options, "ReplicationController");
  return errors;
}

const COUNTS = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"];

function validateStatus({ status }: ReplicationController): FieldError[] {
  const errors: FieldError[] = [];
  checkCounts(errors, status, COUNTS);
  checkParts(errors, status, ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], "replicas", "status.replicas");
  checkParts(errors, status, ["availableReplicas"], "readyReplicas", "readyReplicas");
  return errors;
}
