import { GRPC_DEADLINE_EXCEEDED, GRPC_OUT_OF_RANGE, GRPC_RESOURCE_EXHAUSTED, GRPC_UNAVAILABLE, GrpcError } from "#lib/grpc/grpc-error.ts";

/** A migration into this etcd was cut off: what is there is not all. */
export class UnfinishedMigrationError extends Error {
  override readonly name = "UnfinishedMigrationError";

  /** @param source where the migration copied from */
  constructor(source: string) {
    super(`the datastore holds an unfinished copy of ${source}`);
  }
}

/** Whether to go on with another endpoint. */
export function isEndpointFailure(error: unknown): error is GrpcError {
  return error instanceof GrpcError && (error.code === GRPC_UNAVAILABLE || error.code === GRPC_DEADLINE_EXCEEDED);
}

const NEVER_CONNECTED = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "ENOENT", "EACCES"];
const NEVER_TAKEN = /REFUSED_STREAM|no connection within|etcdserver: no leader|etcdserver: too many requests/;

/** Whether the call surely has done nothing, and will not. */
export function wasNotTaken(error: GrpcError): boolean {
  return NEVER_CONNECTED.includes(codeOf(error.cause)) || isCertificateFailure(error) || NEVER_TAKEN.test(error.description);
}

const CERTIFICATE_CODES = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;

/** Whether the handshake failed: one side does not trust the other's certificate, or speaks no TLS. */
export function isCertificateFailure(error: GrpcError): boolean {
  return CERTIFICATE_CODES.test(codeOf(error.cause));
}

export function isCompacted(error: unknown): boolean {
  return error instanceof GrpcError && error.code === GRPC_OUT_OF_RANGE && error.description.includes("compacted");
}

export function isFull(error: GrpcError): boolean {
  return error.code === GRPC_RESOURCE_EXHAUSTED && error.description.includes("database space exceeded");
}

/** An answer was larger than this client takes in one piece. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof GrpcError && error.code === GRPC_RESOURCE_EXHAUSTED && error.cause !== undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
