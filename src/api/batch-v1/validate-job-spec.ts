import type * as batch from "#api/batch-v1/types.ts";
import { checkAllowed, checkNonNegative, checkQualifiedName, type Errors, pushInvalid } from "#api/core-v1/pod-spec/checks.ts";
import { goValue } from "#api/core-v1/pod-spec/go-values.ts";
import type { PodSpecOptions } from "#api/core-v1/pod-spec/options.ts";
import { validatePodTemplate } from "#api/core-v1/pod-spec/validate-pod-spec.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Subdomain } from "#apimachinery/validation/names.ts";

import { parseIndexes } from "./indexes.ts";

const MAX_INDEXED_PARALLELISM = 100_000;
const MAX_FAILED_INDEXES = 100_000;
const MANY_COMPLETIONS = 100_000;
const LIMIT_FOR_MANY = 10_000;
const MAX_MANAGED_BY = 63;
const COUNTS = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "backoffLimitPerIndex",
  "maxFailedIndexes",
] as const;

/**
 * What jobs and the templates of cron jobs have in common.
 *
 * @see kubernetes pkg/apis/batch/validation/validation.go validateJobSpec
 */
export function validateJobSpec(errors: Errors, spec: batch.JobSpec, options: PodSpecOptions, path: FieldPath): void {
  for (const field of COUNTS) checkNonNegative(errors, spec[field], path, field);
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(fieldError.required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"));
  }
  if (spec.managedBy !== undefined) validateManagedBy(errors, spec.managedBy, path.child("managedBy"));
  const mode = spec.completionMode;
  if (mode !== undefined) checkAllowed(errors, mode, ["NonIndexed", "Indexed"], path.child("completionMode"));
  if (mode === "Indexed") validateIndexed(errors, spec, path);
  else if (mode === undefined || mode === "NonIndexed") {
    for (const field of ["backoffLimitPerIndex", "maxFailedIndexes"] as const) {
      if (spec[field] !== undefined) errors.push(fieldError.invalid(path.child(field), spec[field], "requires indexed completion mode"));
    }
  }
  if (spec.podFailurePolicy) validateFailurePolicy(errors, spec, spec.podFailurePolicy, path.child("podFailurePolicy", "rules"));
  if (spec.successPolicy) {
    const at = path.child("successPolicy");
    if (mode === "Indexed") validateSuccessPolicy(errors, spec, spec.successPolicy, at.child("rules"));
    else errors.push(fieldError.invalid(at, goValue("SuccessPolicy", spec.successPolicy), "requires indexed completion mode"));
  }
  if (spec.podReplacementPolicy !== undefined) {
    const allowed = spec.podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
    checkAllowed(errors, spec.podReplacementPolicy, allowed, path.child("podReplacementPolicy"));
  }
  validatePodTemplate(errors, spec.template, options, path.child("template"));
  checkRestartPolicy(errors, spec, path.child("template", "spec", "restartPolicy"));
}

function checkRestartPolicy(errors: Errors, { template, podFailurePolicy }: batch.JobSpec, path: FieldPath): void {
  const policy = template.spec.restartPolicy ?? "";
  if (policy === "Always" || policy === "") errors.push(fieldError.required(path, 'valid values: "OnFailure", "Never"'));
  else if (policy !== "OnFailure" && policy !== "Never") errors.push(fieldError.notSupported(path, policy, ["OnFailure", "Never"]));
  else if (podFailurePolicy && policy !== "Never") {
    errors.push(fieldError.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
}

const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const HTTP_PATH_RE = new RegExp(`^${HTTP_PATH}$`);

function validateManagedBy(errors: Errors, value: string, path: FieldPath): void {
  const slash = value.indexOf("/");
  if (value === "") errors.push(fieldError.required(path));
  else if (slash <= 0 || slash === value.length - 1) {
    errors.push(fieldError.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  } else {
    const host = value.slice(0, slash);
    const rest = value.slice(slash + 1);
    pushInvalid(errors, path, host, isDns1123Subdomain(host));
    if (!HTTP_PATH_RE.test(rest)) errors.push(fieldError.invalid(path, rest, `Invalid path (regex used for validation is '${HTTP_PATH}')`));
  }
  if (value.length > MAX_MANAGED_BY) errors.push(fieldError.tooLong(path, MAX_MANAGED_BY));
}

function validateIndexed(errors: Errors, spec: batch.JobSpec, path: FieldPath): void {
  const { completions, parallelism = 0, maxFailedIndexes: failed } = spec;
  const tooMany = (field: "parallelism" | "maxFailedIndexes", detail: string) => errors.push(fieldError.invalid(path.child(field), spec[field], detail));
  if (completions === undefined) errors.push(fieldError.required(path.child("completions"), "when completion mode is Indexed"));
  if (parallelism > MAX_INDEXED_PARALLELISM) {
    tooMany("parallelism", `must be less than or equal to ${MAX_INDEXED_PARALLELISM} when completion mode is Indexed`);
  }
  if (completions !== undefined && failed !== undefined && failed > completions) tooMany("maxFailedIndexes", "must be less than or equal to completions");
  if (failed !== undefined && failed > MAX_FAILED_INDEXES) tooMany("maxFailedIndexes", `must be less than or equal to ${MAX_FAILED_INDEXES}`);
  if (completions === undefined || completions <= MANY_COMPLETIONS || spec.backoffLimitPerIndex === undefined) return;
  if (failed === undefined) {
    errors.push(fieldError.required(path.child("maxFailedIndexes"), `must be specified when completions is above ${MANY_COMPLETIONS}`));
  }
  const detail = `must be less than or equal to ${LIMIT_FOR_MANY} when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  if (parallelism > LIMIT_FOR_MANY) tooMany("parallelism", detail);
  if (failed !== undefined && failed > LIMIT_FOR_MANY) tooMany("maxFailedIndexes", detail);
}

const ACTIONS = ["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS = ["In", "NotIn"];
const STATUSES = ["False", "True", "Unknown"];
const MAX_RULES = 20;
const MAX_EXIT_CODES = 255;
const MAX_PATTERNS = 20;
/** As Go's %q prints a list. */
const quoted = (values: readonly string[]) => `valid values: [${values.map((value) => JSON.stringify(value)).join(" ")}]`;

function checkChoice(errors: Errors, value: string | undefined, allowed: readonly string[], path: FieldPath): void {
  if (!value) errors.push(fieldError.required(path, quoted(allowed)));
  else checkAllowed(errors, value, allowed, path);
}

function validateFailurePolicy(errors: Errors, spec: batch.JobSpec, policy: batch.PodFailurePolicy, path: FieldPath): void {
  const rules = policy.rules ?? [];
  if (rules.length > MAX_RULES) errors.push(fieldError.tooMany(path, rules.length, MAX_RULES));
  for (const [i, { action, onExitCodes, onPodConditions = [] }] of rules.entries()) {
    const at = path.index(i);
    if (action === "FailIndex") {
      if (spec.backoffLimitPerIndex === undefined) errors.push(fieldError.invalid(at.child("action"), action, "requires the backoffLimitPerIndex to be set"));
    } else checkChoice(errors, action, ACTIONS, at.child("action"));
    if (onExitCodes) validateExitCodes(errors, spec, onExitCodes, at.child("onExitCodes"));
    if (onPodConditions.length > MAX_PATTERNS) errors.push(fieldError.tooMany(at.child("onPodConditions"), onPodConditions.length, MAX_PATTERNS));
    for (const [j, { type = "", status }] of onPodConditions.entries()) {
      checkQualifiedName(errors, type, at.child("onPodConditions").index(j).child("type"));
      checkChoice(errors, status, STATUSES, at.child("onPodConditions").index(j).child("status"));
    }
    const withoutValue = (detail: string) => errors.push({ ...fieldError.invalid(at, ""), text: `Invalid value: ${detail}` });
    if (onExitCodes && onPodConditions.length > 0) withoutValue("specifying both OnExitCodes and OnPodConditions is not supported");
    if (!onExitCodes && onPodConditions.length === 0) withoutValue("specifying one of OnExitCodes and OnPodConditions is required");
  }
}

function validateExitCodes(errors: Errors, { template }: batch.JobSpec, codes: batch.PodFailurePolicyOnExitCodesRequirement, path: FieldPath): void {
  const { operator, containerName } = codes;
  checkChoice(errors, operator, OPERATORS, path.child("operator"));
  const names = [...(template.spec.containers ?? []), ...(template.spec.initContainers ?? [])].map(({ name }) => name);
  if (containerName !== undefined && !names.includes(containerName)) {
    const detail = "must be one of the container or initContainer names in the pod template";
    errors.push(fieldError.invalid(path.child("containerName"), containerName, detail));
  }
  const at = path.child("values");
  const values = codes.values ?? [];
  if (values.length === 0) errors.push(fieldError.invalid(at, codes.values ?? null, "at least one value is required"));
  else if (values.length > MAX_EXIT_CODES) errors.push(fieldError.tooMany(at, values.length, MAX_EXIT_CODES));
  const seen = new Set<number>();
  for (const [i, value] of values.entries()) {
    if (operator === "In" && value === 0) errors.push(fieldError.invalid(at.index(i), value, "must not be 0 for the In operator"));
    if (seen.has(value)) errors.push(fieldError.duplicate(at.index(i), value));
    seen.add(value);
  }
  if (values.some((value, i) => i > 0 && values[i - 1]! > value)) errors.push(fieldError.invalid(at, values, "must be ordered"));
}

const MAX_INDEXES_TEXT = 64 * 1024;

function validateSuccessPolicy(errors: Errors, { completions = 0 }: batch.JobSpec, policy: batch.SuccessPolicy, path: FieldPath): void {
  const rules = policy.rules ?? [];
  if (rules.length === 0) errors.push(fieldError.required(path, "at least one rules must be specified when the successPolicy is specified"));
  if (rules.length > MAX_RULES) errors.push(fieldError.tooMany(path, rules.length, MAX_RULES));
  for (const [i, { succeededCount: count, succeededIndexes: text }] of rules.entries()) {
    const at = path.index(i);
    if (count === undefined && text === undefined) {
      errors.push(fieldError.required(at, "at least one of succeededCount or succeededIndexes must be specified"));
    }
    let total = 0;
    if (text !== undefined) {
      if (text.length > MAX_INDEXES_TEXT) errors.push(fieldError.tooLong(at.child("succeededIndexes"), MAX_INDEXES_TEXT));
      const indexes = parseIndexes(text, completions);
      if ("total" in indexes) total = indexes.total;
      else errors.push(fieldError.invalid(at.child("succeededIndexes"), text, `error parsing succeededIndexes: ${indexes.problem}`));
    }
    if (count === undefined) continue;
    const countPath = at.child("succeededCount");
    checkNonNegative(errors, count, at, "succeededCount");
    const atMost = (limit: number, what: string) =>
      errors.push(fieldError.invalid(countPath, count, `must be less than or equal to ${limit} (the number of ${what})`));
    if (count > completions) atMost(completions, "specified completions");
    if (text !== undefined && count > total) atMost(total, "indexes in the specified succeededIndexes field");
  }
}
