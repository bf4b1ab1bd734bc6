interface Field {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const MONTHS = ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const FIELDS: readonly Field[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 6, names: DAYS },
];
const DESCRIPTORS = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/**
 * What is wrong with a cron schedule, `undefined` when nothing is.
 *
 * @see robfig/cron parser.go for the texts
 */
export function scheduleProblem(schedule: string): string | undefined {
  if (schedule === "") return "empty spec string";
  const zone = /^(?:CRON_TZ|TZ)=(\S*)\s*/.exec(schedule);
  const text = zone ? schedule.slice(zone[0].length) : schedule;
  if (zone && timeZoneProblem(zone[1]!) !== undefined) return `provided bad location ${zone[1]}: unknown time zone ${zone[1]}`;
  if (text.startsWith("@")) return descriptorProblem(text);
  const parts = text.split(/\s+/).filter(Boolean);
  if (parts.length !== FIELDS.length) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(" ")}]`;
  for (const [i, part] of parts.entries()) {
    for (const range of part.split(",").filter(Boolean)) {
      const problem = rangeProblem(range, FIELDS[i]!);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function descriptorProblem(text: string): string | undefined {
  if (DESCRIPTORS.includes(text)) return undefined;
  const every = /^@every (.*)$/.exec(text);
  if (!every) return `unrecognized descriptor: ${text}`;
  const isDuration = /^[+-]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(every[1]!);
  return isDuration ? undefined : `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(every[1])}`;
}

function rangeProblem(text: string, field: Field): string | undefined {
  const [range = "", step, ...slashes] = text.split("/");
  const [low = "", high, ...hyphens] = range.split("-");
  const isAny = low === "*" || low === "?";
  const start = isAny ? field.min : numberOf(low, field.names);
  if (typeof start === "string") return start;
  let end: number | string = isAny ? field.max : start;
  if (!isAny && high !== undefined) {
    if (hyphens.length > 0) return `too many hyphens: ${text}`;
    end = numberOf(high, field.names);
  }
  if (typeof end === "string") return end;
  if (slashes.length > 0) return `too many slashes: ${text}`;
  const stride = step === undefined ? 1 : numberOf(step, []);
  if (typeof stride === "string") return stride;
  if (step !== undefined && high === undefined) end = field.max;
  if (start < field.min) return `beginning of range (${start}) below minimum (${field.min}): ${text}`;
  if (end > field.max) return `end of range (${end}) above maximum (${field.max}): ${text}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`;
  return stride === 0 ? `step of range should be a positive number: ${text}` : undefined;
}

/** @returns the number, or what is wrong with it */
function numberOf(text: string, names: readonly string[]): number | string {
  const named = text === "" ? -1 : names.indexOf(text.toLowerCase());
  if (named >= 0) return named;
  if (!/^[+-]?\d+$/.test(text)) return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  const value = Number(text);
  return value < 0 ? `negative number (${value}) not allowed: ${text}` : value;
}

const ZONE_PART = /^[A-Za-z.\-_0-9+]{1,14}$/;

/** What is wrong with the name of a time zone; names tell small letters from capitals, as files do. */
export function timeZoneProblem(name: string): string | undefined {
  if (name === "") return "timeZone must be nil or non-empty string";
  const isOdd = (part: string) => part === "." || part === ".." || part.startsWith("-") || !ZONE_PART.test(part);
  const unknown = `unknown time zone ${name}`;
  if (name.split("/").some(isOdd)) return unknown;
  if (name.toLowerCase() === "local") return "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
  if (!name.split("/").every((part) => /^[A-Z]/.test(part))) return unknown;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions();
    return undefined;
  } catch {
    return unknown;
  }
}
