import type { PodTemplate } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, FieldPath } from "#apimachinery/field-error.ts";

import { applyTemplateDefaults } from "../pod-spec/defaults.ts";
import { dropDisabledFields } from "../pod-spec/drop-disabled.ts";
import { createOptions, type PodSpecOptions, updateOptions } from "../pod-spec/options.ts";
import { validatePodTemplate } from "../pod-spec/validate-pod-spec.ts";
import { podSpecWarnings } from "../pod-spec/warnings.ts";

const TEMPLATE = new FieldPath("template");

/** @see kubernetes pkg/registry/core/podtemplate/strategy.go */
export const podTemplateStrategy: Strategy<PodTemplate> = {
  applyDefaults: ({ template }) => applyTemplateDefaults(template),
  prepareForCreate: ({ template }) => dropDisabledFields(template.spec),
  prepareForUpdate: ({ template }, old) => dropDisabledFields(template.spec, old.template.spec),
  validateCreate: (object) => validate(object, createOptions(false)),
  validateUpdate: (object, old) => validate(object, updateOptions(old.template.spec, old.template.metadata?.annotations, false)),
  warningsOnCreate: warnings,
  warningsOnUpdate: (object, old) => (object.metadata.generation === old.metadata.generation ? [] : warnings(object)),
  hasGeneration: true,
};

function validate({ template }: PodTemplate, options: PodSpecOptions): FieldError[] {
  const errors: FieldError[] = [];
  validatePodTemplate(errors, template, options, TEMPLATE);
  return errors;
}

function warnings({ template }: PodTemplate): string[] {
  return podSpecWarnings(template.spec, template.metadata?.annotations, TEMPLATE);
}
