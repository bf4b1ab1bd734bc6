import { declare, type FunctionDeclaration, member } from "#lib/cel/declarations.ts";
import { compilePattern } from "#lib/cel/pattern.ts";
import { listOf, STRING, INT } from "#lib/cel/types.ts";
import { ArrayList, Failure, type Value } from "#lib/cel/values.ts";
import type { Pattern } from "#lib/re2/pattern.ts";
import { ofText } from "./opaque.ts";

const STRINGS = listOf(STRING);

export const REGEX_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare("find", [member("string_find_string", [STRING, STRING], STRING, ofText(find))]),
  declare("findAll", [
    member("string_find_all_string", [STRING, STRING], STRINGS, ofText(findAll)),
    member("string_find_all_string_int", [STRING, STRING, INT], STRINGS, ofText(findAll)),
  ]),
];

function withPattern(pattern: Value | undefined, run: (compiled: Pattern) => Value): Value {
  const compiled = compilePattern(String(pattern));
  return compiled instanceof Failure ? new Failure(`Illegal regex: ${compiled.message}`) : run(compiled);
}

function find(text: string, pattern?: Value): Value {
  return withPattern(pattern, (compiled) => {
    const found = compiled.find(text);
    return found === undefined ? "" : text.slice(found.start, found.end);
  });
}

/** @param limit how many at most; below 0, all */
function findAll(text: string, pattern?: Value, limit: Value = -1n): Value {
  const most = Number(limit) < 0 ? Infinity : Number(limit);
  return withPattern(pattern, (compiled) => new ArrayList(compiled.findAll(text, most).map(({ start, end }) => text.slice(start, end))));
}
