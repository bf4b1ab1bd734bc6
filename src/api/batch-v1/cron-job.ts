import { nameWarnings, printedSelector, SPEC, templateOptions } from "#api/apps-v1/template.ts";
import type { CronJob, CronJobSpec } from "#api/batch-v1/types.ts";
import { checkAllowed, checkNonNegative } from "#api/core-v1/pod-spec/checks.ts";
import { dropDisabledFields } from "#api/core-v1/pod-spec/drop-disabled.ts";
import type { PodSpecOptions } from "#api/core-v1/pod-spec/options.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";

import { applyCronJobDefaults } from "./defaults.ts";
import { jobSpecWarnings } from "./job.ts";
import { scheduleProblem, timeZoneProblem } from "./schedule.ts";
import { validateJobSpec } from "./validate-job-spec.ts";

const JOB_SPEC = SPEC.child("jobTemplate", "spec");

/** @see kubernetes pkg/registry/batch/cronjob/strategy.go */
export const cronJobStrategy: Strategy<CronJob> = {
  applyDefaults: applyCronJobDefaults,
  prepareForCreate: ({ spec }) => dropDisabledFields(spec.jobTemplate?.spec?.template?.spec),
  prepareForUpdate: ({ spec }, old) => dropDisabledFields(spec.jobTemplate?.spec?.template?.spec, old.spec.jobTemplate.spec.template.spec),
  validateCreate,
  validateUpdate: ({ spec }, old) => validateSpec(spec, templateOptions(old.spec.jobTemplate.spec.template), old.spec),
  warningsOnCreate: ({ metadata, spec }) => [...nameWarnings(metadata.name), ...jobSpecWarnings(spec.jobTemplate.spec, JOB_SPEC)],
  warningsOnUpdate,
  hasGeneration: true,
  defaultDeletion: "background",
};

/** Jobs' names are the cron job's with eleven characters after it. */
const MAX_NAME = 52;

function validateCreate({ metadata, spec }: CronJob): FieldError[] {
  const errors = validateSpec(spec, templateOptions());
  if ((metadata.name ?? "").length > MAX_NAME) {
    errors.push(fieldError.invalid(new FieldPath("metadata.name"), metadata.name, `must be no more than ${MAX_NAME} characters`));
  }
  return errors;
}

function validateSpec(spec: CronJobSpec, options: PodSpecOptions, old?: CronJobSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec.schedule) errors.push(fieldError.required(SPEC.child("schedule")));
  else errors.push(...scheduleErrors(spec.schedule, spec.timeZone, old?.schedule.includes("TZ") ?? false));
  checkNonNegative(errors, spec.startingDeadlineSeconds, SPEC, "startingDeadlineSeconds");
  if (spec.timeZone !== undefined && spec.timeZone !== old?.timeZone) {
    const problem = timeZoneProblem(spec.timeZone);
    if (problem !== undefined) errors.push(fieldError.invalid(SPEC.child("timeZone"), spec.timeZone, problem));
  }
  if (!spec.concurrencyPolicy) errors.push(fieldError.required(SPEC.child("concurrencyPolicy")));
  else checkAllowed(errors, spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"], SPEC.child("concurrencyPolicy"));
  const job = spec.jobTemplate.spec;
  validateJobSpec(errors, job, options, JOB_SPEC);
  if (job.selector) errors.push(fieldError.invalid(JOB_SPEC.child("selector"), printedSelector(job.selector), "`selector` will be auto-generated"));
  if (job.manualSelector) errors.push(fieldError.notSupported(JOB_SPEC.child("manualSelector"), job.manualSelector, ["nil", "false"]));
  checkNonNegative(errors, spec.successfulJobsHistoryLimit, SPEC, "successfulJobsHistoryLimit");
  checkNonNegative(errors, spec.failedJobsHistoryLimit, SPEC, "failedJobsHistoryLimit");
  return errors;
}

function scheduleErrors(schedule: string, timeZone: string | undefined, mayNameZone: boolean): FieldError[] {
  const path = SPEC.child("schedule");
  const problem = scheduleProblem(schedule);
  const errors = problem === undefined ? [] : [fieldError.invalid(path, schedule, problem)];
  if (!schedule.includes("TZ")) return errors;
  if (!mayNameZone) errors.push(fieldError.invalid(path, schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
  else if (timeZone !== undefined) errors.push(fieldError.invalid(path, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"));
  return errors;
}

const OLD_ZONE =
  "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";

function warningsOnUpdate({ metadata, spec }: CronJob, old: CronJob): string[] {
  const warnings = metadata.generation === old.metadata.generation ? [] : jobSpecWarnings(spec.jobTemplate.spec, JOB_SPEC);
  return spec.schedule.includes("TZ") ? [...warnings, OLD_ZONE] : warnings;
}
