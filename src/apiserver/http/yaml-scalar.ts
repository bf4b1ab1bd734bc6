/** Beyond this column, a text goes on in the next line at its next space. */
const WIDTH = 80;

/** Where a text begins, and how far its next lines are indented. */
export interface ScalarPlace {
  readonly column: number;
  readonly indent: number;
}

/**
 * A text as a YAML scalar, in the style that go-yaml v2 chooses.
 *
 * @param place undefined for a key, which stays on its line
 * @see go-yaml v2 encode.go, emitterc.go
 */
export function scalarText(text: string, place: ScalarPlace | undefined): string {
  const traits = traitsOf(text);
  const wanted = text.includes("\n") ? "literal" : isOtherType(text) ? "double" : "plain";
  if (wanted === "literal" && place !== undefined && traits.block) return literal(text, place.indent);
  if (wanted === "plain" && traits.plain) return folded(text, place, text);
  if (wanted === "plain" && traits.single) return folded(`'${text.replaceAll("'", "''")}'`, place, text);
  return doubleQuoted(text, place);
}

interface Traits {
  readonly plain: boolean;
  readonly single: boolean;
  readonly block: boolean;
}

const INDICATORS_FIRST = /^[#,[\]{}&*!|>'"%@`]|^[?:-](?=[\s\0]|$)|^---|^\.\.\./;
const INDICATORS_INSIDE = /:(?=[\s\0]|$)|(?<=[\s\0])#/;
/** What is not shown as it is; beyond the basic plane too. */
const SPECIAL = /[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;

function traitsOf(text: string): Traits {
  const spaceBreak = / [\n\u2028\u2029]/.test(text);
  const breakSpace = /[\n\u2028\u2029] /.test(text);
  const special = SPECIAL.test(text);
  const isMultiline = /[\n\u2028\u2029]/.test(text);
  const edges = /^[ \n\u2028\u2029]|[ \n\u2028\u2029]$/.test(text);
  const indicators = INDICATORS_FIRST.test(text) || INDICATORS_INSIDE.test(text.slice(1));
  const all = !spaceBreak && !special;
  return {
    plain: all && !isMultiline && !edges && !indicators,
    single: all && !breakSpace,
    block: all && text !== "" && !text.endsWith(" "),
  };
}

const WORDS = new Set(
  ["", "~", "<<", "y", "n", "Y", "N"].concat(
    ["yes", "no", "on", "off", "true", "false", "null"].flatMap((word) => [word, word[0]!.toUpperCase() + word.slice(1), word.toUpperCase()]),
    [".nan", ".NaN", ".NAN"],
    ["", "+", "-"].flatMap((sign) => [".inf", ".Inf", ".INF"].map((word) => sign + word)),
  ),
);
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]{1,16}|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const TIMESTAMP = /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt ]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/** Whether a reader of YAML 1.1 would take the bare text for something else than a text. */
function isOtherType(text: string): boolean {
  if (WORDS.has(text)) return text !== "<<";
  if (!/^[-+.0-9]/.test(text)) return false;
  const digits = text.replaceAll("_", "");
  return INTEGER.test(digits) || FLOAT.test(digits) || BASE_60.test(text) || TIMESTAMP.test(text);
}

/** @param original what the text was before it was quoted: its first and last character are no place for a break */
function folded(text: string, place: ScalarPlace | undefined, original: string): string {
  if (place === undefined || place.column + text.length <= WIDTH) return text;
  const [first, last] = text === original ? [0, text.length] : [2, text.length - 2];
  let out = "";
  let { column } = place;
  for (let i = 0; i < text.length; i++) {
    const isBreak = text[i] === " " && column > WIDTH && i >= first && i < last && text[i - 1] !== " " && text[i + 1] !== " ";
    out += isBreak ? `\n${" ".repeat(place.indent)}` : text[i]!;
    column = isBreak ? place.indent : column + (isSecondHalf(text, i) ? 0 : 1);
  }
  return out;
}

const isSecondHalf = (text: string, i: number) => text.charCodeAt(i) >= 0xdc00 && text.charCodeAt(i) < 0xe000;

function literal(text: string, indent: number): string {
  const hint = /^[ \n]/.test(text) ? "2" : "";
  const chomp = text.endsWith("\n") ? (text === "\n" || text.endsWith("\n\n") ? "+" : "") : "-";
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
  return `|${hint}${chomp}\n${lines.map((line) => (line === "" ? "" : " ".repeat(indent) + line)).join("\n")}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1b": "\\e",
  '"': '\\"',
  "\\": "\\\\",
  "\u0085": "\\N",
  "\u00a0": "\\_",
  "\u2028": "\\L",
  "\u2029": "\\P",
};

function doubleQuoted(text: string, place: ScalarPlace | undefined): string {
  const chars = Array.from(text);
  let out = '"';
  let column = (place?.column ?? 0) + 1;
  let afterSpace = false;
  chars.forEach((char, i) => {
    if (place !== undefined && char === " " && !afterSpace && column > WIDTH && i > 0 && i < chars.length - 1) {
      const next = `\n${" ".repeat(place.indent)}${chars[i + 1] === " " ? "\\" : ""}`;
      out += next;
      column = next.length - 1;
    } else {
      const shown = escaped(char);
      out += shown;
      column += shown.length;
    }
    afterSpace = char === " ";
  });
  return `${out}"`;
}

function escaped(char: string): string {
  const known = ESCAPES[char];
  if (known !== undefined && char !== "\u00a0") return known;
  if (!SPECIAL.test(char)) return char;
  const code = char.codePointAt(0)!;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
