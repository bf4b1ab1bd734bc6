import { eventFields } from "#api/core-v1/event/selectable-fields.ts";
import { validateEvent } from "#api/core-v1/event/validate.ts";
import type { Errors } from "#api/core-v1/pod-spec/checks.ts";
import type { Event as CoreEvent, EventSource, ObjectReference } from "#api/core-v1/types.ts";
import type { Event } from "#api/events-v1/types.ts";
import { checkImmutable } from "#api/immutable.ts";
import type { Strategy } from "#api/strategy.ts";
import { type FieldError, fieldError, FieldPath } from "#apimachinery/field-error.ts";
import { sameJson } from "#lib/same-json.ts";

/** @see kubernetes pkg/registry/core/event/strategy.go */
export const eventStrategy: Strategy<Event> = {
  allowCreateOnUpdate: true,
  validateCreate,
  validateUpdate,
  ...eventFields({
    object: "regarding",
    referenceOf: ({ regarding }) => regarding,
    ownFields: ({ reason, reportingController, type }) => ({ reason, reportingController, type }),
    ownNames: ["reason", "reportingController", "type"],
  }),
};

/** Upstream holds events in the form of the core group, and its texts name the fields of that. */
function asCore(event: Event): CoreEvent {
  return {
    metadata: event.metadata,
    involvedObject: event.regarding,
    source: event.deprecatedSource,
    eventTime: event.eventTime,
    reason: event.reason,
    message: event.note,
    action: event.action,
    reportingComponent: event.reportingController,
    reportingInstance: event.reportingInstance,
  };
}

/** @see kubernetes pkg/apis/core/validation/events.go ValidateEventCreate */
function validateCreate(event: Event): FieldError[] {
  const errors: Errors = [];
  validateEvent(errors, asCore(event), "reportingController");
  validateSeries(errors, event);
  if (!event.eventTime) errors.push(fieldError.required(new FieldPath("eventTime")));
  const { type = "", deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount, deprecatedSource } = event;
  if (type !== "Normal" && type !== "Warning") errors.push(fieldError.invalid(new FieldPath("type"), "", `has invalid value: ${type}`));
  const refuse = (field: string, isSet: boolean) => {
    if (isSet) errors.push(fieldError.invalid(new FieldPath(field), "", "needs to be unset"));
  };
  refuse("firstTimestamp", Boolean(deprecatedFirstTimestamp));
  refuse("lastTimestamp", Boolean(deprecatedLastTimestamp));
  refuse("count", Boolean(deprecatedCount));
  refuse("source", Boolean(deprecatedSource?.component || deprecatedSource?.host));
  return errors;
}

function validateUpdate(event: Event, old: Event): FieldError[] {
  const errors: Errors = [];
  validateEvent(errors, asCore(event), "reportingController");
  if (!sameJson(event.series, old.series)) validateSeries(errors, event);
  for (const { field, path, told } of IMMUTABLE) checkImmutable(errors, event[field], old[field], new FieldPath(path), told(event[field]));
  return errors;
}

function validateSeries(errors: Errors, { series }: Event): void {
  if (!series) return;
  if ((series.count ?? 0) < 2) errors.push(fieldError.invalid(new FieldPath("series.count"), "", "should be at least 2"));
  if (!series.lastObservedTime) errors.push(fieldError.required(new FieldPath("series.lastObservedTime")));
}

interface Immutable {
  readonly field: keyof Event;
  readonly path: string;
  /** The value as upstream prints it. */
  told(value: unknown): unknown;
}

const text = (value: unknown) => value ?? "";
const plain = (value: unknown) => value ?? null;
const number = (value: unknown) => value ?? 0;
const reference = (value: unknown) => {
  const { kind = "", namespace = "", name = "", uid = "", apiVersion = "", resourceVersion = "", fieldPath = "" } = (value ?? {}) as ObjectReference;
  return { Kind: kind, Namespace: namespace, Name: name, UID: uid, APIVersion: apiVersion, ResourceVersion: resourceVersion, FieldPath: fieldPath };
};
const source = (value: unknown) => {
  const { component = "", host = "" } = (value ?? {}) as EventSource;
  return { Component: component, Host: host };
};

const IMMUTABLE: readonly Immutable[] = [
  { field: "regarding", path: "involvedObject", told: reference },
  { field: "reason", path: "reason", told: text },
  { field: "note", path: "message", told: text },
  { field: "deprecatedSource", path: "source", told: source },
  { field: "deprecatedFirstTimestamp", path: "firstTimestamp", told: plain },
  { field: "deprecatedLastTimestamp", path: "lastTimestamp", told: plain },
  { field: "deprecatedCount", path: "count", told: number },
  { field: "reason", path: "reason", told: text },
  { field: "type", path: "type", told: text },
  { field: "eventTime", path: "eventTime", told: plain },
  { field: "action", path: "action", told: text },
  { field: "related", path: "related", told: (value) => (value ? reference(value) : null) },
  { field: "reportingController", path: "reportingController", told: text },
  { field: "reportingInstance", path: "reportingInstance", told: text },
];
