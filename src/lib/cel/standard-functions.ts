import { toBool, toBytes, toDouble, toDuration, toInt, toText, toTimestamp, toUint } from "./convert.ts";
import { declare, type FunctionDeclaration, type Implementation, member, onlyFor, type Overload, overload } from "./declarations.ts";
import { sizeOf, typeOfValue } from "./inspect.ts";
import { compilePattern } from "./pattern.ts";
import { type Calendar, calendarIn, durationSeconds } from "./times.ts";
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, DYN, INT, listOf, mapOf, param, STRING, TIMESTAMP, typeOf, UINT } from "./types.ts";
import { Duration, Failure, NO_SUCH_OVERLOAD, Timestamp, TypeValue, type Value } from "./values.ts";

const A = param("A");
const LIST = listOf(A);
const MAP = mapOf(A, param("B"));

/** Functions of the language: sizes, conversions, strings, times. */
export const FUNCTIONS: readonly FunctionDeclaration[] = [
  declare(
    "size",
    sizes(),
    onlyFor("size", ["bytes", "list", "map", "string"], (value) => BigInt(sizeOf(value) ?? 0)),
  ),
  declare("type", [overload("type", [A], typeOf(A))], (value) => new TypeValue(typeOfValue(value))),
  declare("dyn", [overload("to_dyn", [A], DYN)], (value) => value),
  conversion("bool", BOOL, toBool, { bool: BOOL, string: STRING }),
  conversion("bytes", BYTES, toBytes, { bytes: BYTES, string: STRING }),
  conversion("double", DOUBLE, toDouble, { double: DOUBLE, int64: INT, string: STRING, uint64: UINT }),
  conversion("duration", DURATION, toDuration, { duration: DURATION, int64: INT, string: STRING }),
  conversion("int64", INT, toInt, { int64: INT, double: DOUBLE, duration: DURATION, string: STRING, timestamp: TIMESTAMP, uint64: UINT }),
  conversion("string", STRING, toText, {
    string: STRING,
    bool: BOOL,
    bytes: BYTES,
    double: DOUBLE,
    duration: DURATION,
    int64: INT,
    timestamp: TIMESTAMP,
    uint64: UINT,
  }),
  conversion("timestamp", TIMESTAMP, toTimestamp, { timestamp: TIMESTAMP, int64: INT, string: STRING }),
  conversion("uint64", UINT, toUint, { uint64: UINT, double: DOUBLE, int64: INT, string: STRING }),
  declare(
    "contains",
    [member("contains_string", [STRING, STRING], BOOL)],
    onText((text, part) => text.includes(part)),
  ),
  declare(
    "endsWith",
    [member("ends_with_string", [STRING, STRING], BOOL)],
    onText((text, part) => text.endsWith(part)),
  ),
  declare(
    "startsWith",
    [member("starts_with_string", [STRING, STRING], BOOL)],
    onText((text, part) => text.startsWith(part)),
  ),
  declare("matches", [overload("matches", [STRING, STRING], BOOL), member("matches_string", [STRING, STRING], BOOL)], onlyFor("matches", ["string"], matches)),
  getter("getFullYear", "year", ({ year }) => year),
  getter("getMonth", "month", ({ month }) => month),
  getter("getDayOfYear", "day_of_year", ({ dayOfYear }) => dayOfYear),
  getter("getDayOfMonth", "day_of_month", ({ day }) => day - 1),
  getter("getDate", "day_of_month_1_based", ({ day }) => day),
  getter("getDayOfWeek", "day_of_week", ({ weekday }) => weekday),
  getter("getHours", "hours", ({ hours }) => hours, 3600),
  getter("getMinutes", "minutes", ({ minutes }) => minutes, 60),
  getter("getSeconds", "seconds", ({ seconds }) => seconds, 1),
  getter("getMilliseconds", "milliseconds", ({ milliseconds }) => milliseconds, 0.001),
];

/** Conversions of a constant happen once, when the program is made. */
export const CONVERSIONS: ReadonlySet<string> = new Set(["bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint"]);

function sizes(): Overload[] {
  const kinds: readonly (readonly [string, CelType])[] = [
    ["bytes", BYTES],
    ["list", LIST],
    ["map", MAP],
    ["string", STRING],
  ];
  return kinds.flatMap(([name, type]) => [overload(`size_${name}`, [type], INT), member(`${name}_size`, [type], INT)]);
}

function conversion(name: string, to: CelType, run: Implementation, from: Readonly<Record<string, CelType>>): FunctionDeclaration {
  const overloads = Object.entries(from).map(([source, type]) => overload(`${source}_to_${name}`, [type], to, run));
  return declare(name.replace("64", ""), overloads);
}

function onText(holds: (text: string, part: string) => boolean): Implementation {
  return (text, part) => (typeof text === "string" && typeof part === "string" ? holds(text, part) : NO_SUCH_OVERLOAD);
}

function matches(text: Value, pattern: Value): Value {
  if (typeof text !== "string" || typeof pattern !== "string") return NO_SUCH_OVERLOAD;
  const compiled = compilePattern(pattern);
  return compiled instanceof Failure ? compiled : compiled.test(text);
}

/** @param unitSeconds for durations, which have the larger units only */
function getter(name: string, id: string, read: (calendar: Calendar) => number, unitSeconds?: number): FunctionDeclaration {
  const run = (moment: Value, zone: Value = "UTC"): Value => {
    if (moment instanceof Duration && unitSeconds !== undefined) return inUnits(moment.nanos, unitSeconds);
    if (!(moment instanceof Timestamp) || typeof zone !== "string") return NO_SUCH_OVERLOAD;
    const calendar = calendarIn(moment.nanos, zone);
    return calendar === undefined ? new Failure(`unknown time zone ${zone}`) : BigInt(read(calendar));
  };
  const withZone = id === "seconds" ? "timestamp_to_seconds_tz" : `timestamp_to_${id}_with_tz`;
  const overloads = [member(`timestamp_to_${id}`, [TIMESTAMP], INT), member(withZone, [TIMESTAMP, STRING], INT)];
  if (unitSeconds !== undefined) overloads.push(member(`duration_to_${id}`, [DURATION], INT));
  return declare(name, overloads, run);
}

function inUnits(nanos: bigint, unitSeconds: number): bigint {
  if (unitSeconds < 1) return nanos / 1_000_000n;
  return BigInt(Math.trunc(durationSeconds(nanos) / unitSeconds));
}
