import type { DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy } from "#api/apps-v1/types.ts";
import { checkNonNegative, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { dropDisabledFields } from "#api/core-v1/pod-spec/drop-disabled.ts";
import { goLabels, goValue } from "#api/core-v1/pod-spec/go-values.ts";
import type { PodSpecOptions } from "#api/core-v1/pod-spec/options.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError } from "#apimachinery/field-error.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";
import { sameJson } from "#lib/same-json.ts";

import { checkCollisions, checkCounts } from "./counts.ts";
import { applyDaemonSetDefaults, TEMPLATE_GENERATION } from "./defaults.ts";
import { checkAtMostAll, intOrPercent, validateIntOrPercent } from "./int-or-percent.ts";
import { isEmptySelector, isUsableSelector, printedSelector, selects, SPEC, templateOptions, templateWarnings, validateLastingTemplate } from "./template.ts";

/** @see kubernetes pkg/registry/apps/daemonset/strategy.go */
export const daemonSetStrategy: Strategy<DaemonSet> = {
  applyDefaults: applyDaemonSetDefaults,
  prepareForCreate,
  prepareForUpdate,
  validateCreate: ({ spec }) => validateSpec(spec, templateOptions()),
  validateUpdate: ({ spec }, old) => [
    ...(sameJson(spec.selector, old.spec.selector) ? [] : [fieldError.invalid(SPEC.child("selector"), printedSelector(spec.selector), "field is immutable")]),
    ...validateSpec(spec, templateOptions(old.spec.template)),
  ],
  warningsOnCreate: ({ spec }) => templateWarnings(spec.template),
  warningsOnUpdate: ({ spec }, old) => (sameJson(spec.template, old.spec.template) ? [] : templateWarnings(spec.template)),
  hasGeneration: true,
  defaultDeletion: "background",
  subresources: { status: { prepareForUpdate: keepTemplateGeneration, validateUpdate: validateStatus } },
};

function prepareForCreate(set: Mutable<DaemonSet>): void {
  dropDisabledFields(set.spec.template?.spec);
  setTemplateGeneration(set, Math.max(1, templateGeneration(set)));
}

function prepareForUpdate(set: Mutable<DaemonSet>, old: DaemonSet): void {
  dropDisabledFields(set.spec.template?.spec, old.spec.template.spec);
  setTemplateGeneration(set, templateGeneration(old) + (sameJson(set.spec.template, old.spec.template) ? 0 : 1));
}

function keepTemplateGeneration(set: Mutable<DaemonSet>, old: DaemonSet): void {
  setTemplateGeneration(set, templateGeneration(old));
}

/** How often the template has changed. */
export function templateGeneration({ metadata }: { readonly metadata: Pick<DaemonSet["metadata"], "annotations"> }): number {
  const count = Number(metadata.annotations?.[TEMPLATE_GENERATION] ?? "0");
  return Number.isSafeInteger(count) ? count : 0;
}

function setTemplateGeneration({ metadata }: Mutable<DaemonSet>, generation: number): void {
  (metadata.annotations ??= {})[TEMPLATE_GENERATION] = String(generation);
}

/** @see kubernetes pkg/apis/apps/validation/validation.go ValidateDaemonSetSpec */
function validateSpec(spec: DaemonSetSpec, options: PodSpecOptions): FieldError[] {
  const errors: FieldError[] = [];
  const { selector, template } = spec;
  if (selector) errors.push(...validateLabelSelector(selector, SPEC.child("selector"), { allowInvalidValues: options.allowInvalidSelectorValues }));
  const labels = template.metadata?.labels;
  if (!selector || (isUsableSelector(selector) && !selects(selector, labels ?? {}))) {
    const path = SPEC.child("template", "metadata", "labels");
    errors.push(fieldError.invalid(path, goLabels(template.metadata), "`selector` does not match template `labels`"));
  }
  if (selector && isEmptySelector(selector))
    errors.push(fieldError.invalid(SPEC.child("selector"), printedSelector(selector), "empty selector is invalid for daemonset"));
  validateLastingTemplate(errors, template, options, "DaemonSet");
  checkNonNegative(errors, spec.minReadySeconds, SPEC, "minReadySeconds");
  validateStrategy(errors, spec.updateStrategy);
  checkNonNegative(errors, spec.revisionHistoryLimit, SPEC, "revisionHistoryLimit");
  return errors;
}

function validateStrategy(errors: Errors, strategy: DaemonSetUpdateStrategy): void {
  const path = SPEC.child("updateStrategy");
  if (strategy.type === "OnDelete") return;
  if (strategy.type !== "RollingUpdate") {
    errors.push(fieldError.notSupported(path, goValue("DaemonSetUpdateStrategy", strategy), ["RollingUpdate", "OnDelete"]));
    return;
  }
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate ?? {};
  const unavailablePath = path.child("rollingUpdate", "maxUnavailable");
  const surgePath = path.child("rollingUpdate", "maxSurge");
  validateIntOrPercent(errors, maxUnavailable, unavailablePath);
  validateIntOrPercent(errors, maxSurge, surgePath);
  checkAtMostAll(errors, maxUnavailable, unavailablePath);
  checkAtMostAll(errors, maxSurge, surgePath);
  const hasUnavailable = intOrPercent(maxUnavailable) !== 0;
  const hasSurge = intOrPercent(maxSurge) !== 0;
  if (hasUnavailable && hasSurge) errors.push(fieldError.invalid(surgePath, maxSurge, "may not be set when maxUnavailable is non-zero"));
  if (!hasUnavailable && !hasSurge) errors.push(fieldError.required(unavailablePath, "cannot be 0 when maxSurge is 0"));
}

const COUNTS = [
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
];

function validateStatus({ status }: DaemonSet, old: DaemonSet): FieldError[] {
  const errors: FieldError[] = [];
  checkCounts(errors, status, COUNTS);
  checkCollisions(errors, status.collisionCount, old.status.collisionCount);
  return errors;
}
