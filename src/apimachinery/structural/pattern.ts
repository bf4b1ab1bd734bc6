import { Pattern } from "#lib/re2/pattern.ts";

const compiled = new Map<string, Pattern>();
const MAX_COMPILED = 1000;

/**
 * A pattern in Go's syntax; the last ones are kept.
 *
 * @throws {PatternError} with Go's text
 */
export function compilePattern(text: string): Pattern {
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const pattern = new Pattern(text);
  if (compiled.size >= MAX_COMPILED) compiled.delete(compiled.keys().next().value!);
  compiled.set(text, pattern);
  return pattern;
}
