import { STATUS } from "#api/apps-v1/template.ts";
import type { Job, JobStatus } from "#api/batch-v1/types.ts";
import { checkNonNegative, type Errors } from "#api/core-v1/pod-spec/checks.ts";
import { type FieldError, fieldError } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

import { indexOverlap, parseIndexes } from "./indexes.ts";

/** A stage's facts: what its conditions say. */
function conditionsOf({ conditions = [] }: JobStatus) {
  const isTrue = (type: string) => conditions.some((condition) => condition.type === type && condition.status === "True");
  const complete = isTrue("Complete");
  const failed = isTrue("Failed");
  return { complete, failed, finished: complete || failed, failureTarget: isTrue("FailureTarget"), successMet: isTrue("SuccessCriteriaMet"), isTrue };
}

/**
 * What a job's status may become. Most rules look only at what changes: what an older release wrote may stay.
 *
 * @see kubernetes pkg/apis/batch/validation/validation.go validateJobStatus, ValidateJobStatusUpdate
 */
export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const errors: FieldError[] = [];
  const { status } = job;
  for (const field of ["active", "succeeded", "failed", "ready", "terminating"] as const) checkNonNegative(errors, status[field], STATUS, field);
  checkUncounted(errors, status);
  checkOutcome(errors, job, old);
  checkFinished(errors, job, old);
  checkIndexes(errors, job, old);
  checkPods(errors, job, old);
  checkCriteria(errors, job);
  checkProgress(errors, job, old);
  return errors;
}

/** An `Invalid value` that does not tell the value. */
function refuse(errors: Errors, detail: string, field = "conditions"): void {
  errors.push({ type: "FieldValueInvalid", field: STATUS.child(field).text, text: `Invalid value: ${detail}` });
}

function checkUncounted(errors: Errors, { uncountedTerminatedPods: pods }: JobStatus): void {
  const seen = new Set<string>();
  for (const field of ["succeeded", "failed"] as const) {
    for (const [i, uid] of (pods?.[field] ?? []).entries()) {
      const path = STATUS.child("uncountedTerminatedPods", field).index(i);
      if (uid === "") errors.push(fieldError.invalid(path, uid, "must not be empty"));
      else if (seen.has(uid)) errors.push(fieldError.duplicate(path, uid));
      seen.add(uid);
    }
  }
}

/** How completion and failure exclude and require each other. */
function checkOutcome(errors: Errors, { status }: Job, { status: before }: Job): void {
  const now = conditionsOf(status);
  const was = conditionsOf(before);
  const completeChanged = now.complete !== was.complete;
  const completionTimeChanged = status.completionTime !== before.completionTime;
  if ((completeChanged || now.failed !== was.failed) && now.complete && now.failed) refuse(errors, "cannot set Complete=True and Failed=true conditions");
  if ((completeChanged || now.failureTarget !== was.failureTarget) && now.complete && now.failureTarget) {
    refuse(errors, "cannot set Complete=True and FailureTarget=true conditions");
  }
  const path = STATUS.child("completionTime");
  if (completeChanged || completionTimeChanged) {
    if (status.completionTime && !now.complete) {
      errors.push(fieldError.invalid(path, status.completionTime, "cannot set completionTime when there is no Complete=True condition"));
    }
    if (!status.completionTime && now.complete) errors.push(fieldError.required(path, "completionTime is required for Complete jobs"));
  }
  const { startTime, completionTime } = status;
  if ((startTime !== before.startTime || completionTimeChanged) && startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime)) {
    errors.push(fieldError.invalid(path, completionTime, "must be equal to or after `startTime`"));
  }
  const failedIndexesChanged = status.failedIndexes !== before.failedIndexes;
  if ((now.failed !== was.failed || failedIndexesChanged) && now.failed && !now.failureTarget) {
    refuse(errors, "cannot set Failed=True condition without the FailureTarget=true condition");
  }
  if ((completeChanged || now.successMet !== was.successMet) && now.complete && !now.successMet) {
    refuse(errors, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  }
}

/** A finished job has no pods left to wait for. */
function checkFinished(errors: Errors, { spec, status }: Job, { status: before }: Job): void {
  const { finished } = conditionsOf(status);
  const finishedChanged = finished !== conditionsOf(before).finished;
  const changed = (field: keyof JobStatus) => finishedChanged || !sameJson(status[field], before[field]);
  if (!finished) return;
  const { active = 0, uncountedTerminatedPods: uncounted } = status;
  if (changed("active") && active > 0) errors.push(fieldError.invalid(STATUS.child("active"), active, "active>0 is invalid for finished job"));
  if (changed("startTime") && !(spec.suspend && spec.completions === 0) && !status.startTime) {
    errors.push(fieldError.required(STATUS.child("startTime"), "startTime is required for finished job"));
  }
  if (!changed("uncountedTerminatedPods") || !(uncounted?.failed?.length || uncounted?.succeeded?.length)) return;
  const printed = { Succeeded: uncounted.succeeded ?? null, Failed: uncounted.failed ?? null };
  errors.push(fieldError.invalid(STATUS.child("uncountedTerminatedPods"), printed, "must be empty for finished job"));
}

function checkIndexes(errors: Errors, { spec, status }: Job, { status: before }: Job): void {
  const { completedIndexes = "", failedIndexes } = status;
  const completedChanged = completedIndexes !== (before.completedIndexes ?? "");
  const failedChanged = failedIndexes !== before.failedIndexes;
  const check = (field: "completedIndexes" | "failedIndexes", text: string) => {
    const indexes = parseIndexes(text, spec.completions!);
    if ("problem" in indexes) errors.push(fieldError.invalid(STATUS.child(field), text, `error parsing ${field}: ${indexes.problem}`));
  };
  const hasCompletions = spec.completions !== undefined;
  if (completedChanged && hasCompletions) check("completedIndexes", completedIndexes);
  if (failedChanged && hasCompletions && spec.backoffLimitPerIndex !== undefined && failedIndexes !== undefined) check("failedIndexes", failedIndexes);
  if (completedChanged && completedIndexes !== "" && spec.completionMode !== "Indexed") {
    const detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
    errors.push(fieldError.invalid(STATUS.child("completedIndexes"), completedIndexes, detail));
  }
  if (failedChanged && failedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    const detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
    errors.push(fieldError.invalid(STATUS.child("failedIndexes"), failedIndexes, detail));
  }
  if ((failedChanged || completedChanged) && hasCompletions && failedIndexes !== undefined) {
    const index = indexOverlap(completedIndexes, failedIndexes, spec.completions);
    if (index === undefined) return;
    errors.push(fieldError.invalid(STATUS.child("failedIndexes"), failedIndexes, `failedIndexes and completedIndexes overlap at index: ${index}`));
  }
}

function checkPods(errors: Errors, { status }: Job, { status: before }: Job): void {
  const { ready, active = 0, terminating = 0 } = status;
  const { finished } = conditionsOf(status);
  const terminatingChanged = finished !== conditionsOf(before).finished || status.terminating !== before.terminating;
  if (terminatingChanged && terminating > 0 && finished) {
    errors.push(fieldError.invalid(STATUS.child("terminating"), terminating, "terminating>0 is invalid for finished job"));
  }
  if (ready === undefined || (ready === before.ready && active === (before.active ?? 0)) || ready <= active) return;
  errors.push(fieldError.invalid(STATUS.child("ready"), ready, "cannot set more ready pods than active"));
}

function checkCriteria(errors: Errors, { spec, status }: Job): void {
  const { successMet, failed, failureTarget, complete } = conditionsOf(status);
  if (successMet && failed) refuse(errors, "cannot set SuccessCriteriaMet=True and Failed=true conditions");
  if (successMet && failureTarget) refuse(errors, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
  if (spec.successPolicy && !successMet && complete) {
    refuse(errors, "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
  }
}

/** What only moves forward. */
function checkProgress(errors: Errors, { spec, status }: Job, { status: before }: Job): void {
  const now = conditionsOf(status);
  const was = conditionsOf(before);
  for (const type of ["Failed", "Complete", "FailureTarget"]) {
    if (was.isTrue(type) && !now.isTrue(type)) refuse(errors, `cannot disable the terminal ${type}=True condition`);
  }
  const { failed = 0, succeeded = 0 } = status;
  if (failed < (before.failed ?? 0)) errors.push(fieldError.invalid(STATUS.child("failed"), failed, "cannot decrease the failed counter"));
  const isElastic = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  if (!isElastic && succeeded < (before.succeeded ?? 0)) {
    errors.push(fieldError.invalid(STATUS.child("succeeded"), succeeded, "cannot decrease the succeeded counter"));
  }
  const { completionTime, startTime } = status;
  if (completionTime && before.completionTime && completionTime !== before.completionTime) {
    errors.push(fieldError.invalid(STATUS.child("completionTime"), completionTime, "field is immutable"));
  }
  const isResuming = was.isTrue("Suspended") && (status.conditions ?? []).some(({ type, status: value }) => type === "Suspended" && value === "False");
  if (before.startTime && startTime !== before.startTime && !isResuming && !spec.suspend) {
    errors.push(fieldError.required(STATUS.child("startTime"), "startTime cannot be removed for unsuspended job"));
  }
  if (was.successMet && !now.successMet) refuse(errors, "cannot disable the SuccessCriteriaMet=True condition");
  if (was.complete && !was.successMet && now.successMet) refuse(errors, "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
}
