import { Pattern } from "#lib/re2/pattern.ts";
import { PatternError } from "#lib/re2/syntax.ts";
import { Failure } from "./values.ts";

const KEPT = 256;
const MAX_KEPT_LENGTH = 1024;

/** Patterns that were used last, by their text. What they are depends on nothing else. */
const compiled = new Map<string, Pattern | Failure>();

export function compilePattern(pattern: string): Pattern | Failure {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const made = make(pattern);
  if (pattern.length <= MAX_KEPT_LENGTH) {
    if (compiled.size >= KEPT) compiled.delete(compiled.keys().next().value!);
    compiled.set(pattern, made);
  }
  return made;
}

function make(pattern: string): Pattern | Failure {
  try {
    return new Pattern(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return new Failure(error.message);
  }
}
