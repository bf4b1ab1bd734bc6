import type * as batch from "#api/batch-v1/types.ts";
import { applyTemplateDefaults } from "#api/core-v1/pod-spec/defaults.ts";
import type { Mutable } from "#api/strategy.ts";

const BACKOFF_LIMIT = 6;
const MAX_INT32 = 2 ** 31 - 1;

/** @see kubernetes pkg/apis/batch/v1/defaults.go */
export function applyJobDefaults({ metadata, spec }: Mutable<batch.Job>): void {
  if (!spec) return;
  applyJobSpecDefaults(spec);
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : MAX_INT32;
  const labels = spec.template?.metadata?.labels;
  // The same map, not a copy: labels that a create adds to the template are the job's too, as they are upstream.
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = labels;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed";
  spec.manualSelector ??= false;
}

/** Of a job and of the template in a cron job. */
function applyJobSpecDefaults(spec: Mutable<batch.JobSpec>): void {
  // Upstream's conversion turns an empty list here into none, which it writes as null.
  if (spec.podFailurePolicy?.rules?.length === 0) (spec.podFailurePolicy as { rules: unknown }).rules = null;
  for (const rule of spec.podFailurePolicy?.rules ?? []) for (const pattern of rule.onPodConditions ?? []) pattern.status ||= "True";
  applyTemplateDefaults(spec.template);
}

export function applyCronJobDefaults({ spec }: Mutable<batch.CronJob>): void {
  if (!spec) return;
  spec.concurrencyPolicy ||= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  if (spec.jobTemplate?.spec) applyJobSpecDefaults(spec.jobTemplate.spec);
}
