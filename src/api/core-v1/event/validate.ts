import type { Event } from "#api/core-v1/types.ts";
import { fieldError, FieldPath } from "#apimachinery/field-error.ts";

import { checkDnsSubdomain, checkQualifiedName, type Errors } from "../pod-spec/checks.ts";

const MAX_SHORT_TEXT = 128;
const MAX_MESSAGE = 1024;

/**
 * What both versions ask of an event. Those without an `eventTime` come from clients of before it existed.
 *
 * @param controllerField what the request's version calls the reporting controller
 * @see kubernetes pkg/apis/core/validation/events.go legacyValidateEvent
 */
export function validateEvent(errors: Errors, event: Event, controllerField: "reportingComponent" | "reportingController"): void {
  const { metadata, involvedObject, eventTime } = event;
  const { namespace = "" } = metadata;
  const about = involvedObject?.namespace ?? "";
  const elsewhere = () => errors.push(fieldError.invalid(new FieldPath("involvedObject.namespace"), about, "does not match event.namespace"));
  if (!eventTime) {
    if (about === "" ? !["", "default"].includes(namespace) : about !== namespace) elsewhere();
  } else {
    if (about === "" && namespace !== "default" && namespace !== "kube-system") elsewhere();
    validateReport(errors, event, controllerField);
  }
  checkDnsSubdomain(errors, namespace, new FieldPath("namespace"));
}

function validateReport(errors: Errors, event: Event, controllerField: string): void {
  const { reportingComponent = "", reportingInstance = "", action = "", reason = "", message = "" } = event;
  const controller = new FieldPath(controllerField);
  if (reportingComponent === "") errors.push(fieldError.required(controller));
  checkQualifiedName(errors, reportingComponent, controller);
  for (const [name, value] of Object.entries({ reportingInstance, action, reason })) {
    if (value === "") errors.push(fieldError.required(new FieldPath(name)));
    checkLength(errors, name, value, MAX_SHORT_TEXT);
  }
  checkLength(errors, "message", message, MAX_MESSAGE);
}

function checkLength(errors: Errors, name: string, value: string, max: number): void {
  if (Buffer.byteLength(value) > max) errors.push(fieldError.invalid(new FieldPath(name), "", `can have at most ${max} characters`));
}
