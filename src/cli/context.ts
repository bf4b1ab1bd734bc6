import type { Clock } from "#lib/clock.ts";
import type { Settings } from "./settings.ts";

/** What a verb gets from the outside. */
export interface Context {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly hostname: string;
  /** How a new process of this program is started: the program and its first arguments. */
  readonly self: readonly [string, ...string[]];
  /** The path of `bin/supervise`. */
  readonly supervisor: string;
  /** The repository's or installation's folder. */
  readonly home: string;
  readonly settings: Settings;
}

/** A verb's own arguments, after the settings were taken out. */
export interface Arguments {
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

export const API_VERSION = "cli.skiff.dev/v1";

/** A flag's text, or undefined. */
export function textFlag(args: Arguments, name: string): string | undefined {
  const value = args.flags[name];
  return typeof value === "string" ? value : undefined;
}
