import { declare, type FunctionDeclaration, type Implementation, member, overload } from "../declarations.ts";
import { printValue } from "../inspect.ts";
import { DYN, INT, listOf, STRING } from "../types.ts";
import { ArrayList, Failure, ListValue, NO_SUCH_OVERLOAD, type Value } from "../values.ts";
import { formatString } from "./format-string.ts";

const STRINGS = listOf(STRING);

/** cel-go's strings extension, version 2. Indices count code points. */
export const STRING_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare("charAt", [member("string_char_at_int", [STRING, INT], STRING, text(charAt))]),
  declare("indexOf", [
    member("string_index_of_string", [STRING, STRING], INT, text(indexOf)),
    member("string_index_of_string_int", [STRING, STRING, INT], INT, text(indexOf)),
  ]),
  declare("lastIndexOf", [
    member("string_last_index_of_string", [STRING, STRING], INT, text(lastIndexOf)),
    member("string_last_index_of_string_int", [STRING, STRING, INT], INT, text(lastIndexOf)),
  ]),
  declare("lowerAscii", [
    member(
      "string_lower_ascii",
      [STRING],
      STRING,
      text((value) => value.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())),
    ),
  ]),
  declare("upperAscii", [
    member(
      "string_upper_ascii",
      [STRING],
      STRING,
      text((value) => value.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase())),
    ),
  ]),
  declare("trim", [member("string_trim", [STRING], STRING, text(trim))]),
  declare("replace", [
    member("string_replace_string_string", [STRING, STRING, STRING], STRING, text(replace)),
    member("string_replace_string_string_int", [STRING, STRING, STRING, INT], STRING, text(replace)),
  ]),
  declare("split", [
    member("string_split_string", [STRING, STRING], STRINGS, text(split)),
    member("string_split_string_int", [STRING, STRING, INT], STRINGS, text(split)),
  ]),
  declare("substring", [
    member("string_substring_int", [STRING, INT], STRING, text(substring)),
    member("string_substring_int_int", [STRING, INT, INT], STRING, text(substring)),
  ]),
  declare("join", [member("list_join", [STRINGS], STRING, join), member("list_join_string", [STRINGS, STRING], STRING, join)]),
  declare("strings.quote", [overload("strings_quote", [STRING], STRING, text(quote))]),
  declare("format", [
    member("string_format", [STRING, listOf(DYN)], STRING, (format, args) =>
      typeof format === "string" && args instanceof ListValue ? formatString(format, args) : NO_SUCH_OVERLOAD,
    ),
  ]),
];

function text(run: (value: string, ...rest: Value[]) => Value): Implementation {
  return (value, ...rest) => (typeof value === "string" ? run(value, ...rest) : NO_SUCH_OVERLOAD);
}

function outOfRange(index: Value): Failure {
  return new Failure(`index out of range: ${printValue(index)}`);
}

const SPACE = /[\p{White_Space}]/u;

/** Without spaces of any kind at both ends. */
function trim(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && SPACE.test(value[start]!)) start++;
  while (end > start && SPACE.test(value[end - 1]!)) end--;
  return value.slice(start, end);
}

function charAt(value: string, at: Value): Value {
  const points = [...value];
  const index = Number(at);
  return index < 0 || index > points.length ? outOfRange(at) : (points[index] ?? "");
}

function isAt(points: readonly string[], part: readonly string[], at: number): boolean {
  return part.every((point, i) => points[at + i] === point);
}

function indexOf(value: string, part: Value, from: Value = 0n): Value {
  if (part === "") return from;
  const points = [...value];
  const wanted = [...String(part)];
  if (Number(from) < 0) return outOfRange(from);
  for (let i = Number(from); i <= points.length - wanted.length; i++) if (isAt(points, wanted, i)) return BigInt(i);
  return -1n;
}

function lastIndexOf(value: string, part: Value, from?: Value): Value {
  const points = [...value];
  const wanted = [...String(part)];
  if (wanted.length === 0) return from ?? BigInt(points.length);
  const start = from === undefined ? points.length - 1 : Number(from);
  if (from !== undefined && start < 0) return outOfRange(from);
  if (start >= points.length) return -1n;
  for (let i = Math.min(start, points.length - wanted.length); i >= 0; i--) if (isAt(points, wanted, i)) return BigInt(i);
  return -1n;
}

/** @param limit how often at most; below 0, always */
function replace(value: string, old: Value, by: Value, limit: Value = -1n): Value {
  const most = Number(limit) < 0 ? Infinity : Number(limit);
  const pieces = old === "" ? ["", ...value] : value.split(String(old));
  const gaps = old === "" ? pieces.length : pieces.length - 1;
  const count = Math.min(gaps, most);
  let result = pieces[0] ?? "";
  if (old === "") {
    result = "";
    pieces.forEach((piece, i) => {
      result += piece + (i < count ? String(by) : "");
    });
    return result;
  }
  for (let i = 1; i < pieces.length; i++) result += String(i <= count ? by : old) + pieces[i]!;
  return result;
}

/** @param limit how many parts at most, the last with all the rest; below 0, all */
function split(value: string, separator: Value, limit: Value = -1n): Value {
  const most = Number(limit);
  if (most === 0) return new ArrayList([]);
  const by = String(separator);
  const parts = by === "" ? [...value] : value.split(by);
  if (most < 0 || parts.length <= most) return new ArrayList(parts);
  return new ArrayList([...parts.slice(0, most - 1), parts.slice(most - 1).join(by)]);
}

function substring(value: string, start: Value, end?: Value): Value {
  const points = [...value];
  const from = Number(start);
  const to = end === undefined ? points.length : Number(end);
  if (end !== undefined && from > to) return new Failure(`invalid substring range. start: ${from}, end: ${to}`);
  if (from < 0 || from > points.length) return outOfRange(start);
  return to < 0 || to > points.length ? outOfRange(end ?? null) : points.slice(from, to).join("");
}

function join(list: Value, separator: Value = ""): Value {
  if (!(list instanceof ListValue)) return NO_SUCH_OVERLOAD;
  const items = [...list];
  const wrong = items.find((item) => typeof item !== "string");
  return wrong === undefined ? items.join(String(separator)) : new Failure(`join: invalid input: ${wrong === null ? "0" : printValue(wrong)}`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

function quote(value: string): string {
  return `"${[...value].map((char) => ESCAPES[char] ?? char).join("")}"`;
}
