import { isStatus } from "#apimachinery/status-error.ts";

/** For the `catch` of a write whose object may be gone meanwhile: then there is nothing left to do. */
export function ignoreNotFound(error: unknown): void {
  if (!isStatus(error, "NotFound")) throw error;
}
