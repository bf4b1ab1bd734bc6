import { X509Certificate } from "node:crypto";

import type { CertificateSigningRequest } from "#api/certificates-v1/types.ts";

const HOUR_MS = 3_600_000;
/** How long a request is kept after it was answered. */
const ANSWERED_MS = HOUR_MS;
/** How long one is kept that waits for an answer, or for its certificate. */
const WAITING_MS = 24 * HOUR_MS;

/**
 * Whether nobody needs a request any more.
 *
 * @see kubernetes pkg/controller/certificates/cleaner/cleaner.go
 */
export function isPast({ metadata, status }: CertificateSigningRequest, nowMs: number): boolean {
  const { conditions = [], certificate = "" } = status ?? {};
  const isOlder = (time: string | undefined, ms: number) => time !== undefined && nowMs - Date.parse(time) > ms;
  if (conditions.length === 0 && isOlder(metadata.creationTimestamp, WAITING_MS)) return true;
  return conditions.some(({ type, lastUpdateTime }) => {
    if (type === "Denied" || type === "Failed") return isOlder(lastUpdateTime, ANSWERED_MS);
    if (type !== "Approved") return false;
    return certificate === "" ? isOlder(lastUpdateTime, WAITING_MS) : isOlder(lastUpdateTime, ANSWERED_MS) || hasEnded(certificate, nowMs);
  });
}

function hasEnded(base64: string, nowMs: number): boolean {
  try {
    return new X509Certificate(Buffer.from(base64, "base64")).validToDate.getTime() < nowMs;
  } catch {
    return false;
  }
}
