import { DecodeError } from "./decode-error.ts";

const UNIT_NANOS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/**
 * Nanoseconds of a Go duration: `1h30m`, `1.5s`, `-2ms`.
 *
 * @throws {DecodeError} with the text of Go's time.ParseDuration
 */
export function parseDuration(text: string): number {
  const invalid = (why = "invalid duration") => new DecodeError(`time: ${why} ${JSON.stringify(text)}`);
  const [, sign, rest = ""] = /^([-+]?)(.*)$/s.exec(text)!;
  if (rest === "0") return 0;
  if (rest === "") throw invalid();
  let nanos = 0;
  for (let at = 0; at < rest.length; ) {
    const match = /^([0-9]*\.?[0-9]*)([^0-9.]*)/.exec(rest.slice(at))!;
    const [whole, digits = "", unit = ""] = match;
    if (!/[0-9]/.test(digits)) throw invalid();
    if (unit === "") throw invalid("missing unit in duration");
    const factor = UNIT_NANOS[unit];
    if (factor === undefined) throw new DecodeError(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    nanos += Math.trunc(Number(digits) * factor);
    if (nanos > Number.MAX_SAFE_INTEGER * 1024) throw invalid();
    at += whole.length;
  }
  return sign === "-" ? -nanos : nanos;
}

/** A duration as Go prints it: `1h30m0s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(nanos: number): string {
  if (nanos < 0) return `-${formatDuration(-nanos)}`;
  if (nanos === 0) return "0s";
  if (nanos < 1e3) return `${nanos}ns`;
  if (nanos < 1e6) return `${nanos / 1e3}µs`;
  if (nanos < 1e9) return `${nanos / 1e6}ms`;
  const seconds = `${(nanos % 60e9) / 1e9}s`;
  const minutes = Math.floor(nanos / 60e9);
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}
