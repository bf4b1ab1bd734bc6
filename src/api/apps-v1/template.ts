import type { PodSpec, PodTemplateSpec } from "#api/core-v1/types.ts";
import { sortedMap } from "#api/core-v1/pod-spec/checks.ts";
import type { Errors } from "#api/core-v1/pod-spec/checks.ts";
import { goLabels } from "#api/core-v1/pod-spec/go-values.ts";
import { createOptions, type PodSpecOptions, updateOptions } from "#api/core-v1/pod-spec/options.ts";
import { validatePodTemplate } from "#api/core-v1/pod-spec/validate-pod-spec.ts";
import { podSpecWarnings } from "#api/core-v1/pod-spec/warnings.ts";
import { fieldError, FieldPath } from "#apimachinery/field-error.ts";
import type { LabelSelector } from "#apimachinery/meta-v1/types.ts";
import { isDns1123Label } from "#apimachinery/validation/names.ts";
import { validateLabelSelector } from "#apimachinery/validation/selectors.ts";

export const SPEC = new FieldPath("spec");
export const STATUS = new FieldPath("status");
export const TEMPLATE = SPEC.child("template");

/** The rules for a template: of a new object, or of one that changes the template of `old`. */
export function templateOptions(old?: PodTemplateSpec): PodSpecOptions {
  return old?.spec === undefined ? createOptions(false) : updateOptions(old.spec, old.metadata?.annotations, false);
}

/** A selector must be there and select something. `kind` as upstream calls it in its text. */
export function validateSelector(errors: Errors, selector: LabelSelector | undefined, kind: string): void {
  const path = SPEC.child("selector");
  if (!selector) return void errors.push(fieldError.required(path));
  errors.push(...validateLabelSelector(selector, path));
  if (isEmptySelector(selector)) errors.push(fieldError.invalid(path, printedSelector(selector), `empty selector is invalid for ${kind}`));
}

/** A selector as upstream prints it: labels by key. */
export function printedSelector(selector: LabelSelector | undefined): LabelSelector | null {
  if (!selector) return null;
  return selector.matchLabels ? { ...selector, matchLabels: sortedMap(selector.matchLabels) } : selector;
}

export function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}

/** Whether the selector can be made use of: what it says may still select nothing. */
export function isUsableSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  const probe: Errors = validateLabelSelector({ matchLabels, matchExpressions }, SPEC);
  return probe.length === 0;
}

export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === "In") return value !== undefined && values.includes(value);
      if (operator === "NotIn") return value === undefined || !values.includes(value);
      return (operator === "Exists") === (value !== undefined);
    })
  );
}

/** The pods of a controller must be those that it selects; without a selector it selects none. */
export function checkSelected(errors: Errors, selector: LabelSelector | undefined, template: PodTemplateSpec): void {
  const labels = template.metadata?.labels;
  if (selector && (isEmptySelector(selector) || selects(selector, labels ?? {}))) return;
  const path = TEMPLATE.child("metadata", "labels");
  errors.push(fieldError.invalid(path, goLabels(template.metadata), "`selector` does not match template `labels`"));
}

/** A template whose pods are kept running. */
export function validateLastingTemplate(errors: Errors, template: PodTemplateSpec, options: PodSpecOptions, kind: string): void {
  validatePodTemplate(errors, template, options, TEMPLATE);
  checkLasting(errors, template.spec, kind);
}

export function checkLasting(errors: Errors, { restartPolicy = "", activeDeadlineSeconds }: PodSpec, kind: string): void {
  if (restartPolicy !== "Always") errors.push(fieldError.notSupported(TEMPLATE.child("spec", "restartPolicy"), restartPolicy, ["Always"]));
  if (activeDeadlineSeconds === undefined) return;
  errors.push(fieldError.forbidden(TEMPLATE.child("spec", "activeDeadlineSeconds"), `activeDeadlineSeconds in ${kind} is not Supported`));
}

export function templateWarnings({ metadata, spec }: PodTemplateSpec): string[] {
  return podSpecWarnings(spec, metadata?.annotations, TEMPLATE);
}

/** Names of pods are made from the controller's. */
export function nameWarnings(name: string | undefined): string[] {
  const messages = isDns1123Label(name ?? "");
  if (messages.length === 0) return [];
  const why = "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended";
  return [`metadata.name: ${why}: [${messages.join(" ")}]`];
}
