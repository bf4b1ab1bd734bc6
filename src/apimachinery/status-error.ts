import type { Status, StatusCause, StatusDetails } from "#apimachinery/meta-v1/types.ts";
import type { FieldError } from "#apimachinery/field-error.ts";
import { goQuoted } from "#apimachinery/field-error.ts";

export type StatusReason =
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Gone"
  | "Invalid"
  | "ServerTimeout"
  | "Timeout"
  | "TooManyRequests"
  | "BadRequest"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "InternalError"
  | "Expired"
  | "ServiceUnavailable"
  | "";

export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** An API failure: one type from the API server to the command line. Its `message` is the Status' message. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: Status;

  constructor(status: Omit<Status, "metadata"> & { readonly metadata?: Status["metadata"] }, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? "unknown", options);
    this.status = { kind: "Status", apiVersion: "v1", metadata: {}, ...status };
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): StatusReason {
    return (this.status.reason ?? "") as StatusReason;
  }

  hasCause(reason: string): boolean {
    return this.status.details?.causes?.some((cause) => cause.reason === reason) ?? false;
  }
}

/** Whether `error` is an API failure for one of `reasons`. */
export function isStatus(error: unknown, ...reasons: readonly StatusReason[]): error is StatusError {
  return error instanceof StatusError && (reasons.length === 0 || reasons.includes(error.reason));
}

/** `deployments.apps`, or `pods` for the core group. */
export function qualified({ group, resource }: GroupResource): string {
  return group === "" ? resource : `${resource}.${group}`;
}

/** A Failure with the parts that all have in common. */
export function failure(code: number, reason: StatusReason, message: string, details?: StatusDetails): StatusError {
  return new StatusError({ status: "Failure", message, reason, ...(details && { details }), code });
}

const detailsOf = ({ group, resource }: GroupResource, name: string): StatusDetails => ({
  ...(name !== "" && { name }),
  ...(group !== "" && { group }),
  kind: resource,
});

/** @see apimachinery pkg/api/errors/errors.go for codes, reasons and texts */
export const statusError = {
  notFound: (resource: GroupResource, name: string) =>
    failure(404, "NotFound", `${qualified(resource)} ${goQuoted(name)} not found`, detailsOf(resource, name)),
  alreadyExists: (resource: GroupResource, name: string) =>
    failure(409, "AlreadyExists", `${qualified(resource)} ${goQuoted(name)} already exists`, detailsOf(resource, name)),
  conflict: (resource: GroupResource, name: string, why: string) =>
    failure(409, "Conflict", `Operation cannot be fulfilled on ${qualified(resource)} ${goQuoted(name)}: ${why}`, detailsOf(resource, name)),
  forbidden: (resource: GroupResource, name: string, why: string) => {
    const subject = name === "" ? qualified(resource) : `${qualified(resource)} ${goQuoted(name)}`;
    return failure(403, "Forbidden", `${subject} is forbidden: ${why}`, detailsOf(resource, name));
  },
  invalid: (kind: { readonly group: string; readonly kind: string }, name: string, errors: readonly FieldError[]) => {
    const causes: StatusCause[] = errors.map(({ type, field, text }) => ({ reason: type, message: text, field }));
    const details = { ...(name !== "" && { name }), ...(kind.group !== "" && { group: kind.group }), ...(kind.kind !== "" && { kind: kind.kind }), causes };
    const subject = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
    return failure(422, "Invalid", `${subject} ${goQuoted(name)} is invalid: ${aggregated(errors)}`, details);
  },
  badRequest: (message: string) => failure(400, "BadRequest", message),
  unauthorized: () => failure(401, "Unauthorized", "Unauthorized"),
  expired: (message: string) => failure(410, "Expired", message),
  tooLarge: (message: string) => failure(413, "RequestEntityTooLarge", message),
  serviceUnavailable: (message: string) => failure(503, "ServiceUnavailable", message),
  timeout: (message: string) => failure(504, "Timeout", `Timeout: ${message}`),
  internal: (cause: unknown) => {
    const text = cause instanceof Error ? cause.message : String(cause);
    return failure(500, "InternalError", `Internal error occurred: ${text}`, { causes: [{ message: text }] });
  },
};

/** Several errors as Go's aggregate prints them: equal ones once, `[a, b]` when more than one is left. */
function aggregated(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(({ field, text }) => `${field}: ${text}`))];
  return texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`;
}
