import { DecodeError } from "./decode-error.ts";

const RFC3339 = "2006-01-02T15:04:05Z07:00";
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * A time as upstream answers it: UTC, whole seconds. `null` for Go's zero time.
 *
 * @throws {DecodeError} with the text of Go's time.Parse
 */
export function normalizeTime(text: string): string | null {
  const millis = plainTime(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(millis) && isDayOfMonth(text)) return text.startsWith("0001-01-01T00:00:00") ? null : text;
  const { epochSeconds } = parseGoTime(text, RFC3339);
  return epochSeconds === ZERO_TIME ? null : isoSeconds(epochSeconds);
}

/** A time with six digits of a second, as upstream's MicroTime. */
export function normalizeMicroTime(text: string): string | null {
  const { epochSeconds, fraction } = parseGoTime(text, "2006-01-02T15:04:05.000000Z07:00");
  if (epochSeconds === ZERO_TIME && Number(fraction) === 0) return null;
  return `${isoSeconds(epochSeconds).slice(0, -1)}.${fraction.padEnd(6, "0").slice(0, 6)}Z`;
}

const ZERO_TIME = Date.parse("0001-01-01T00:00:00Z") / 1000;

function isoSeconds(epochSeconds: number): string {
  return `${new Date(epochSeconds * 1000).toISOString().slice(0, -5)}Z`;
}

/** Whether `text` has the form of what we would answer: `2026-01-02T03:04:05Z`. */
function plainTime(text: string): boolean {
  return text.length === 20 && text.charCodeAt(19) === 90 && text.charCodeAt(10) === 84 && text.charCodeAt(4) === 45 && text.charCodeAt(13) === 58;
}

/** Date.parse takes 31 February for 3 March. */
function isDayOfMonth(text: string): boolean {
  const day = (text.charCodeAt(8) - 48) * 10 + text.charCodeAt(9) - 48;
  return day <= 28 || new Date(Date.parse(text)).getUTCDate() === day;
}

interface GoTime {
  readonly epochSeconds: number;
  /** The digits after the point. */
  readonly fraction: string;
}

function parseGoTime(text: string, layout: string): GoTime {
  const reader = new TimeReader(text, layout);
  const year = reader.digits(4, "2006");
  reader.literal("-");
  const month = reader.digits(2, "01");
  if (month < 1 || month > 12) reader.outOfRange("month");
  reader.literal("-");
  const day = reader.digits(2, "02");
  reader.literal("T");
  const hour = reader.digits(2, "15", 1);
  if (hour > 23) reader.outOfRange("hour");
  reader.literal(":");
  const minute = reader.digits(2, "04");
  if (minute > 59) reader.outOfRange("minute");
  reader.literal(":");
  const second = reader.digits(2, "05");
  if (second > 59) reader.outOfRange("second");
  const fraction = reader.fraction(layout.includes(".000000"));
  const offsetSeconds = reader.zone();
  reader.end();
  if (day < 1 || day > daysIn(year, month)) reader.outOfRange("day");
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return { epochSeconds: date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offsetSeconds, fraction };
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && !leap ? 28 : DAYS[month - 1]!;
}

/** Takes a time apart from left to right, failing as Go does. */
class TimeReader {
  readonly #text: string;
  readonly #layout: string;
  #at = 0;

  constructor(text: string, layout: string) {
    this.#text = text;
    this.#layout = layout;
  }

  digits(count: number, element: string, least = count): number {
    const length = /^[0-9]*/.exec(this.#text.slice(this.#at, this.#at + count))![0].length;
    if (length < least) this.#fail(element);
    const value = Number(this.#text.slice(this.#at, this.#at + length));
    this.#at += length;
    return value;
  }

  literal(char: string): void {
    if (this.#text[this.#at] !== char) this.#fail(char);
    this.#at++;
  }

  fraction(required: boolean): string {
    const match = /^[.,]([0-9]+)/.exec(this.#text.slice(this.#at));
    if (match === null || (required && match[1]!.length < 6)) {
      if (required) this.#fail(".000000");
      return "";
    }
    if (required) return this.#take(`.${match[1]!.slice(0, 6)}`).slice(1);
    return this.#take(match[0]).slice(1);
  }

  zone(): number {
    if (this.#text[this.#at] === "Z") {
      this.#at++;
      return 0;
    }
    const match = /^([+-])([0-9]{2}):([0-9]{2})/.exec(this.#text.slice(this.#at));
    if (match === null) return this.#fail("Z07:00");
    const [whole, sign, hours, minutes] = match;
    if (Number(hours) > 24 || Number(minutes) > 60) this.outOfRange("time zone offset " + (Number(hours) > 24 ? "hour" : "minute"));
    this.#at += whole.length;
    return (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
  }

  end(): void {
    if (this.#at < this.#text.length) throw this.#error(`: extra text: ${JSON.stringify(this.#text.slice(this.#at))}`);
  }

  outOfRange(what: string): never {
    throw this.#error(`: ${what} out of range`);
  }

  #take(text: string): string {
    this.#at += text.length;
    return text;
  }

  #fail(element: string): never {
    const rest = JSON.stringify(this.#text.slice(this.#at));
    throw this.#error(` as ${JSON.stringify(this.#layout)}: cannot parse ${rest} as ${JSON.stringify(element)}`);
  }

  #error(why: string): DecodeError {
    return new DecodeError(`parsing time ${JSON.stringify(this.#text)}${why}`);
  }
}
