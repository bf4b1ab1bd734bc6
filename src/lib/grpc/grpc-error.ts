/** gRPC's status codes that callers tell apart. */
export const GRPC_UNKNOWN = 2;
export const GRPC_DEADLINE_EXCEEDED = 4;
export const GRPC_NOT_FOUND = 5;
export const GRPC_RESOURCE_EXHAUSTED = 8;
export const GRPC_FAILED_PRECONDITION = 9;
export const GRPC_OUT_OF_RANGE = 11;
export const GRPC_UNAVAILABLE = 14;

const CODE_NAMES = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

/** What a gRPC server, or the way to it, answered instead of a response; its message is in Go's form, as users see it in events. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: number;
  /** The server's own words. */
  readonly description: string;

  constructor(code: number, description: string, options?: ErrorOptions) {
    super(`rpc error: code = ${CODE_NAMES[code] ?? `Code(${code})`} desc = ${description}`, options);
    this.code = code;
    this.description = description;
  }
}
