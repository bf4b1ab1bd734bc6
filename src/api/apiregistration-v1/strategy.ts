import type { APIService } from "#api/apiregistration-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";

export const apiServiceStrategy: Strategy<APIService> = {
  validateName: nameIsPathSegment, // the core group's is `v1.`
  applyDefaults({ spec }) {
    if (spec?.service) spec.service.port ??= 443;
  },
  validateCreate: ({ metadata, spec }): FieldError[] => {
    const wanted = `${spec.version}.${spec.group ?? ""}`;
    if (metadata.name === wanted) return [];
    return [fieldError.invalid(new FieldPath("metadata").child("name"), metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`)];
  },
};
