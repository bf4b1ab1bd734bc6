import { eventFields } from "#api/core-v1/event/selectable-fields.ts";
import type { Event } from "#api/events-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

/** @see kubernetes pkg/registry/core/event/strategy.go */
export const eventStrategy: Strategy<Event> = {
  allowCreateOnUpdate: true,
  ...eventFields({
    object: "regarding",
    referenceOf: ({ regarding }) => regarding,
    ownFields: ({ reason, reportingController, type }) => ({ reason, reportingController, type }),
    ownNames: ["reason", "reportingController", "type"],
  }),
};
