const BACKDATE_MS = 5 * 60_000;
const SHORT_MS = 8 * 3_600_000;
const SHORTEST_MS = 10 * 60_000;
const LONGEST_MS = 365 * 86_400_000;

/** From when till when a certificate holds, in ms since 1970. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * A year, or less where that is asked for, but ten minutes at least. It begins a little in the past, for clocks that are
 * behind; a short one is not made shorter by that.
 *
 * @see kubernetes pkg/controller/certificates/authority/policies.go
 */
export function validityFor(expirationSeconds: number | undefined, nowMs: number): Validity {
  const askedMs = expirationSeconds === undefined ? LONGEST_MS : expirationSeconds * 1000;
  const lengthMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, askedMs));
  return { notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + lengthMs - (lengthMs < SHORT_MS ? 0 : BACKDATE_MS) };
}
