import { parseArgs } from "node:util";
import type { Arguments } from "./context.ts";
import { SkiffError } from "./errors.ts";
import { flagsOf, VERBS, type Verb } from "./verbs.ts";

export interface CommandLine {
  readonly verb: Verb;
  readonly arguments: Arguments;
}

/** @throws {SkiffError} SKF-0201 with the nearest word that exists */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const [first = "help", ...rest] = words;
  const name = first === "--help" || first === "-h" ? "help" : first === "--version" ? "version" : first;
  const verb = VERBS.find((candidate) => candidate.name === name);
  if (verb === undefined)
    throw unknownWord(
      "verb",
      name,
      VERBS.map((candidate) => candidate.name),
      "./skiff --help",
    );
  if (verb.name === "kubectl") return { verb, arguments: { flags: {}, positionals: rest } };
  const flags = flagsOf(verb);
  const options = Object.fromEntries(
    flags.map(({ name: flag, short, value }) => [flag, { type: value === undefined ? ("boolean" as const) : ("string" as const), ...(short && { short }) }]),
  );
  try {
    const { values, positionals } = parseArgs({ args: rest, options, allowPositionals: true, strict: true });
    return { verb, arguments: { flags: values as Arguments["flags"], positionals } };
  } catch (error) {
    const { message } = error as Error;
    const unknown = /Unknown option '--?([^'=]+)/.exec(message)?.[1];
    const help = `./skiff ${verb.name} --help`;
    if (unknown !== undefined)
      throw unknownWord(
        "flag",
        `--${unknown}`,
        flags.map((flag) => `--${flag.name}`),
        help,
      );
    throw new SkiffError("SKF-0201", `${verb.name}: ${message.split(". ")[0]}`, { remedy: help });
  }
}

/** An error that suggests the nearest known word, if one is near. */
function unknownWord(what: string, word: string, known: readonly string[], help: string): SkiffError {
  const near = nearest(word, known);
  return new SkiffError(
    "SKF-0201",
    `unknown ${what} ${JSON.stringify(word)}`,
    near === undefined ? { remedy: help } : { reason: `did you mean ${near}?`, remedy: help },
  );
}

/** The word with the fewest edits, at most a third of its length. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map((candidate) => ({ candidate, edits: editDistance(word, candidate) })).sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.max(1, word.length / 3) ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
