import type { Event } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { nameIsPathSegment } from "#apimachinery/validation/names.ts";

import type { Errors } from "../pod-spec/checks.ts";
import { eventFields } from "./selectable-fields.ts";
import { validateEvent } from "./validate.ts";

/** @see kubernetes pkg/registry/core/event/strategy.go */
export const eventStrategy: Strategy<Event> = {
  validateName: nameIsPathSegment,
  allowCreateOnUpdate: true,
  validateCreate: validate,
  validateUpdate: validate,
  ...eventFields({
    object: "involvedObject",
    referenceOf: ({ involvedObject }) => involvedObject,
    ownFields: ({ reason, reportingComponent, source, type }) => ({
      reason,
      reportingComponent,
      source: source.component || reportingComponent,
      type,
    }),
    ownNames: ["reason", "reportingComponent", "source", "type"],
  }),
};

function validate(event: Event): FieldError[] {
  const errors: Errors = [];
  validateEvent(errors, event, "reportingComponent");
  return errors;
}
