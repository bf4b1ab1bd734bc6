import { isUsableSelector, nameWarnings, printedSelector, selects, SPEC, templateOptions } from "#api/apps-v1/template.ts";
import type { Job, JobSpec } from "#api/batch-v1/types.ts";
import { type Errors, sortedMap } from "#api/core-v1/pod-spec/checks.ts";
import { dropDisabledFields } from "#api/core-v1/pod-spec/drop-disabled.ts";
import { goLabels, goValue } from "#api/core-v1/pod-spec/go-values.ts";
import type { PodSpecOptions } from "#api/core-v1/pod-spec/options.ts";
import { podSpecWarnings } from "#api/core-v1/pod-spec/warnings.ts";
import type { PodTemplateSpec } from "#api/core-v1/types.ts";
import type { Mutable, Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Label } from "#apimachinery/validation/names.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";
import { sameJson } from "#lib/same-json.ts";

import { applyJobDefaults } from "./defaults.ts";
import { validateJobStatus } from "./job-status.ts";
import { validateJobSpec } from "./validate-job-spec.ts";

/** @see kubernetes pkg/registry/batch/job/strategy.go */
export const jobStrategy: Strategy<Job> = {
  applyDefaults: applyJobDefaults,
  prepareForCreate,
  prepareForUpdate: ({ spec }, old) => dropDisabledFields(spec.template?.spec, old.spec.template.spec),
  validateCreate: (job) => validateJob(job, templateOptions(), true),
  validateUpdate,
  canonicalize: labelJob,
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...jobSpecWarnings(spec, SPEC)],
  warningsOnUpdate: ({ metadata, spec }, old) => (metadata.generation === old.metadata.generation ? [] : jobSpecWarnings(spec, SPEC)),
  hasGeneration: true,
  defaultDeletion: "orphan",
  selectableFields: ({ status }) => ({ "status.successful": String(status.succeeded ?? 0) }),
  selectableFieldNames: ["status.successful"],
  unknownField: (field) => `field label ${JSON.stringify(field)} not supported for Job`,
  subresources: { status: { validateUpdate: validateJobStatus } },
};

const UID = "batch.kubernetes.io/controller-uid";
const NAME = "batch.kubernetes.io/job-name";
const OLD_UID = "controller-uid";
const OLD_NAME = "job-name";

/** The job's pods are known by its uid, unless the user says how. */
function prepareForCreate({ metadata, spec }: Mutable<Job>): void {
  dropDisabledFields(spec.template?.spec);
  if (spec.manualSelector) return;
  const labels = ((spec.template.metadata ??= {}).labels ??= {});
  labels[OLD_NAME] ??= metadata.name ?? "";
  labels[NAME] ??= metadata.name ?? "";
  labels[OLD_UID] ??= metadata.uid;
  labels[UID] ??= metadata.uid;
  ((spec.selector ??= {}).matchLabels ??= {})[UID] ??= metadata.uid;
}

/** Labels made for the template become the job's own, too, if it has none: upstream sees them when it reads the job back. */
function labelJob({ metadata, spec }: Mutable<Job>): void {
  const labels = spec.template.metadata?.labels;
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
}

function validateJob(job: Job, options: PodSpecOptions, requirePrefixed: boolean): FieldError[] {
  const { metadata, spec } = job;
  const errors: FieldError[] = [];
  checkGeneratedSelector(errors, job, requirePrefixed);
  validateSpec(errors, spec, options);
  if (spec.completionMode === "Indexed" && (spec.completions ?? 0) > 0) {
    const last = `${metadata.name ?? ""}-${spec.completions! - 1}`;
    if (isDns1123Label(last).length > 0) {
      const path = new FieldPath("metadata.name");
      errors.push(fieldError.invalid(path, metadata.name ?? "", `will not able to create pod with invalid DNS label: ${last}`));
    }
  }
  return errors;
}

function validateSpec(errors: Errors, spec: JobSpec, options: PodSpecOptions): void {
  validateJobSpec(errors, spec, options, SPEC);
  const { selector } = spec;
  if (!selector) errors.push(fieldError.required(SPEC.child("selector")));
  else errors.push(...validateLabelSelector(selector, SPEC.child("selector"), { allowInvalidValues: options.allowInvalidSelectorValues }));
  const labels = spec.template.metadata?.labels;
  if (selector && (!isUsableSelector(selector) || selects(selector, labels ?? {}))) return;
  const path = SPEC.child("template", "metadata", "labels");
  errors.push(fieldError.invalid(path, goLabels(spec.template.metadata), "`selector` does not match template `labels`"));
}

function checkGeneratedSelector(errors: Errors, { metadata, spec }: Job, requirePrefixed: boolean): void {
  if (spec.manualSelector || !spec.selector) return;
  const name = metadata.name ?? "";
  const expected: Record<string, string> = { [OLD_UID]: metadata.uid, [OLD_NAME]: name, ...(requirePrefixed && { [UID]: metadata.uid, [NAME]: name }) };
  const labels = spec.template.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(expected)) {
    const path = SPEC.child("template", "metadata", "labels").key(key);
    if (labels[key] === undefined) errors.push(fieldError.required(path, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(fieldError.invalid(path, sortedMap(labels), `must be '${value}'`));
  }
  if (isUsableSelector(spec.selector) && !selects(spec.selector, expected)) {
    errors.push(fieldError.invalid(SPEC.child("selector"), printedSelector(spec.selector), "`selector` not auto-generated"));
  }
}

function validateUpdate(job: Job, old: Job): FieldError[] {
  const options = templateOptions(old.spec.template);
  const oldLabels = old.spec.template.metadata?.labels ?? {};
  const errors = validateJob(job, options, NAME in oldLabels && UID in oldLabels);
  const { spec } = job;
  validateSpec(errors, spec, options);
  const immutable = (field: keyof JobSpec, value: unknown = spec[field] ?? null) => {
    if (!sameJson(spec[field], old.spec[field])) errors.push(fieldError.invalid(SPEC.child(field), value, "field is immutable"));
  };
  checkCompletions(errors, spec, old.spec);
  immutable("selector", printedSelector(spec.selector));
  const before = comparableTemplate(spec, old);
  if (!sameJson(spec.template, before)) {
    errors.push(fieldError.invalid(SPEC.child("template"), goValue("PodTemplateSpec", spec.template), "field is immutable"));
  }
  immutable("completionMode");
  immutable("podFailurePolicy", goValue("*PodFailurePolicy", spec.podFailurePolicy));
  immutable("backoffLimitPerIndex");
  immutable("managedBy");
  immutable("successPolicy", goValue("*SuccessPolicy", spec.successPolicy));
  return errors;
}

function checkCompletions(errors: Errors, spec: JobSpec, old: JobSpec): void {
  if (spec.completions === old.completions) return;
  const path = SPEC.child("completions");
  if (spec.completionMode !== "Indexed") errors.push(fieldError.invalid(path, spec.completions ?? null, "field is immutable"));
  else if (spec.completions !== undefined && spec.completions !== spec.parallelism) {
    errors.push(fieldError.invalid(path, spec.completions, "can only be modified in tandem with spec.parallelism"));
  }
}

/** The old template; of a suspended job that never ran, with what decides on nodes as the new one has it. */
function comparableTemplate({ template }: JobSpec, old: Job): PodTemplateSpec {
  const before = old.spec.template;
  if (!old.spec.suspend || old.status.startTime) return before;
  const { affinity, nodeSelector, tolerations, schedulingGates } = template.spec;
  const others = { ...before.spec.affinity, nodeAffinity: affinity?.nodeAffinity };
  const isEmpty = Object.values(others).every((value) => value === undefined);
  const metadata = { ...before.metadata, annotations: template.metadata?.annotations, labels: template.metadata?.labels };
  return { metadata, spec: { ...before.spec, affinity: isEmpty && !affinity ? undefined : others, nodeSelector, tolerations, schedulingGates } };
}

const MANY_COMPLETIONS = 100_000;
const MANY_AT_ONCE = 10_000;

/** Of a job, and of the template in a cron job. */
export function jobSpecWarnings({ completionMode, completions = 0, parallelism = 0, template }: JobSpec, path: FieldPath): string[] {
  const warnings = podSpecWarnings(template.spec, template.metadata?.annotations, path.child("template"));
  if (completionMode !== "Indexed" || completions <= MANY_COMPLETIONS || parallelism <= MANY_AT_ONCE) return warnings;
  const what = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4";
  return [`${path.text}: ${what}, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`, ...warnings];
}
