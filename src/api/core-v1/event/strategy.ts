import type { Event } from "#api/core-v1/types.ts";
import type { Strategy } from "#api/strategy.ts";

import { eventFields } from "./selectable-fields.ts";

/** @see kubernetes pkg/registry/core/event/strategy.go */
export const eventStrategy: Strategy<Event> = {
  allowCreateOnUpdate: true,
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
