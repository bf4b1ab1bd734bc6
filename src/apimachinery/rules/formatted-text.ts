import { parseDuration, parseTimestamp } from "#lib/cel/times.ts";
import { Duration, Failure, Timestamp, type Value } from "#lib/cel/values.ts";

const HOUR = 3_600_000_000_000n;

/** Names of units, the last of which may have an ending, and their nanoseconds. */
const UNITS: readonly (readonly [names: readonly string[], nanos: bigint])[] = [
  [["ns", "nano"], 1n],
  [["us", "µs", "micro"], 1000n],
  [["ms", "milli"], 1_000_000n],
  [["s", "sec"], 1_000_000_000n],
  [["m", "min"], 60_000_000_000n],
  [["h", "hr", "hour"], HOUR],
  [["d", "day"], 24n * HOUR],
  [["w", "wk", "week"], 168n * HOUR],
];

/**
 * A text as the value that its format says it is.
 *
 * @see apiserver pkg/cel/common/valuesunstructured.go
 */
export function formattedText(text: string, format: string | undefined): Value {
  switch (format) {
    case "duration":
      return durationOf(text);
    case "date":
      return dateOf(text);
    case "date-time":
      return momentOf(text);
    case "byte":
      return bytesOf(text);
    default:
      return text;
  }
}

function durationOf(text: string): Value {
  const nanos = parseDuration(text) ?? inWords(text);
  return nanos === undefined ? new Failure(`Invalid duration ${text}: unable to parse ${text} as duration`) : new Duration(nanos);
}

/** `3 weeks 2 days`; what is no unit does not count. */
function inWords(text: string): bigint | undefined {
  let nanos: bigint | undefined;
  for (const [, count = "", word = ""] of text.matchAll(/(\d+)\s*([A-Za-zµ]+)/g)) {
    const unit = word.toLowerCase();
    const found = UNITS.find(([names]) => names.includes(unit) || unit.startsWith(names.at(-1)!));
    if (found !== undefined) nanos = BigInt.asIntN(64, (nanos ?? 0n) + BigInt(count) * found[1]);
  }
  return nanos;
}

function dateOf(text: string): Value {
  return (/^\d{4}-\d{2}-\d{2}$/.test(text) ? parseTimestamp(`${text}T00:00:00Z`) : undefined) ?? new Failure(`Invalid date formatted string ${text}`);
}

function momentOf(text: string): Value {
  if (text === "") return new Timestamp(0n);
  const isLocal = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?$/.test(text);
  return parseTimestamp(isLocal ? `${text}Z` : text) ?? new Failure(`Invalid date-time formatted string ${text}`);
}

/** In the alphabet for URLs, as upstream reads it. */
function bytesOf(text: string): Value {
  const lines = text.replaceAll(/[\r\n]/g, "");
  const isWhole = /^(?:[\w-]{4})*(?:[\w-]{2}==|[\w-]{3}=)?$/.test(lines);
  if (isWhole) return new Uint8Array(Buffer.from(lines, "base64url"));
  const wrong = Math.max(0, text.search(/[^\w=\r\n-]/));
  return new Failure(`Invalid byte formatted string ${text}: illegal base64 data at input byte ${wrong}`);
}
