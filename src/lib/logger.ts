import type { Clock } from "#lib/clock.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

/** A constant message and fields. `error` means someone should look. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

const ORDER: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Writes a JSON object a line: `time`, `level`, `msg`, then the fields. */
export function jsonLogger(write: (line: string) => void, clock: Clock, minimum: LogLevel = "info", fields: LogFields = {}): Logger {
  const lowest = ORDER.indexOf(minimum);
  const log = (level: LogLevel) => (msg: string, more?: LogFields) => {
    if (ORDER.indexOf(level) < lowest) return;
    write(`${JSON.stringify({ time: new Date(clock.now()).toISOString(), level, msg, ...fields, ...more }, plainErrors)}\n`);
  };
  return {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    with: (more) => jsonLogger(write, clock, minimum, { ...fields, ...more }),
  };
}

/** Says nothing; for tests. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLogger };

function plainErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return value.cause === undefined ? (value.stack ?? value.message) : { error: value.stack ?? value.message, cause: value.cause };
}
