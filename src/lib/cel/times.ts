import { type Timestamp as Moment, Timestamp } from "./values.ts";

const SECOND = 1_000_000_000n;
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;
const MAX_DURATION = 2n ** 63n - 1n;

/** The years 1 to 9999 are those that timestamps can have. */
export function isTimestamp(nanos: bigint): boolean {
  const seconds = floorDivide(nanos, SECOND);
  return seconds >= MIN_SECONDS && seconds <= MAX_SECONDS;
}

export function isDuration(nanos: bigint): boolean {
  return nanos >= -MAX_DURATION - 1n && nanos <= MAX_DURATION;
}

export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** An RFC 3339 time; undefined for anything else, also for a 30th of February. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const [fraction = "", sign, offsetHours = "0", offsetMinutes = "0"] = match.slice(7);
  if (hour > 23 || minute > 59 || second > 59 || Number(offsetHours) > 24 || Number(offsetMinutes) > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute, second);
  const offset = (sign === "-" ? -1 : 1) * (Number(offsetHours) * 60 + Number(offsetMinutes));
  const seconds = BigInt(date.getTime() / 1000 - offset * 60);
  return new Timestamp(seconds * SECOND + BigInt(fraction.slice(0, 9).padEnd(9, "0")), offset);
}

/** RFC 3339 with as many digits of the second as are needed. */
export function timestampText({ nanos, offsetMinutes }: Moment): string {
  const seconds = floorDivide(nanos, SECOND);
  const fraction = String(nanos - seconds * SECOND)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const date = new Date(Number(seconds) * 1000 + offsetMinutes * 60_000);
  const day = `${pad(date.getUTCFullYear(), 4)}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`;
  const time = `${pad(date.getUTCHours(), 2)}:${pad(date.getUTCMinutes(), 2)}:${pad(date.getUTCSeconds(), 2)}`;
  return `${day}T${time}${fraction === "" ? "" : `.${fraction}`}${offsetText(offsetMinutes)}`;
}

function offsetText(minutes: number): string {
  if (minutes === 0) return "Z";
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60), 2)}:${pad(size % 60, 2)}`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  "\u00b5s": 1000n,
  "\u03bcs": 1000n,
  ms: 1_000_000n,
  s: SECOND,
  m: 60n * SECOND,
  h: 3600n * SECOND,
};
const DURATION = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/;
const PART = /(\d*)\.?(\d*)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g;

/** Nanoseconds of a duration as Go writes it, such as `1h15m30.5s`; undefined where it is none or too long. */
export function parseDuration(text: string): bigint | undefined {
  if (/^[+-]?0$/.test(text)) return 0n;
  if (!DURATION.test(text)) return undefined;
  let nanos = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of text.matchAll(PART)) {
    const scale = UNITS[unit]!;
    nanos += BigInt(whole === "" ? 0 : whole) * scale;
    if (fraction !== "") nanos += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  const signed = text.startsWith("-") ? -nanos : nanos;
  return isDuration(signed) ? signed : undefined;
}

/** In seconds, with as many digits as are needed. */
export function durationText(nanos: bigint): string {
  const seconds = durationSeconds(nanos);
  return `${Math.abs(seconds) < 1e-6 && seconds !== 0 ? trimmed(seconds) : String(seconds)}s`;
}

function trimmed(seconds: number): string {
  return seconds.toFixed(9).replace(/0+$/, "");
}

export function durationSeconds(nanos: bigint): number {
  return Number(nanos / SECOND) + Number(nanos % SECOND) / 1e9;
}

/** A moment as a calendar somewhere shows it. */
export interface Calendar {
  readonly year: number;
  /** From 0. */
  readonly month: number;
  /** From 1. */
  readonly day: number;
  readonly weekday: number;
  /** From 0. */
  readonly dayOfYear: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  readonly milliseconds: number;
}

/** @param zone a name such as `Europe/Berlin`, or an offset such as `-08:30`; undefined where there is no such zone */
export function calendarIn(nanos: bigint, zone: string): Calendar | undefined {
  const milliseconds = Number(floorDivide(nanos, 1_000_000n));
  const offset = zoneOffsetMs(milliseconds, zone);
  if (offset === undefined) return undefined;
  const date = new Date(milliseconds + offset);
  const startOfYear = new Date(date.getTime());
  startOfYear.setUTCMonth(0, 1);
  startOfYear.setUTCHours(0, 0, 0, 0);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    dayOfYear: Math.floor((date.getTime() - startOfYear.getTime()) / 86_400_000),
    hours: date.getUTCHours(),
    minutes: date.getUTCMinutes(),
    seconds: date.getUTCSeconds(),
    milliseconds: date.getUTCMilliseconds(),
  };
}

function zoneOffsetMs(milliseconds: number, zone: string): number | undefined {
  if (zone === "" || zone === "UTC") return 0;
  const fixed = /^([+-]?\d+):(\d+)$/.exec(zone);
  if (fixed !== null) return (Number(fixed[1]) * 60 + (zone.startsWith("-") ? -1 : 1) * Number(fixed[2])) * 60_000;
  const format = formatIn(zone);
  if (format === undefined) return undefined;
  const parts = Object.fromEntries(format.formatToParts(milliseconds).map(({ type, value }) => [type, value]));
  const shown = new Date(0);
  const year = parts["era"] === "BC" ? 1 - Number(parts["year"]) : Number(parts["year"]);
  shown.setUTCFullYear(year, Number(parts["month"]) - 1, Number(parts["day"]));
  shown.setUTCHours(Number(parts["hour"]), Number(parts["minute"]), Number(parts["second"]));
  return shown.getTime() - Math.floor(milliseconds / 1000) * 1000;
}

function formatIn(timeZone: string): Intl.DateTimeFormat | undefined {
  if (timeZone.startsWith("+") || timeZone.startsWith("-")) return undefined;
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    return undefined; // no such zone
  }
}
